import { structOfKind, type Field, type StructType, type ValueType } from '#api/schema/schema.ts';
import type { GroupVersionKind } from '#api/resource-type.ts';
import type { Descriptions } from './descriptions.ts';

/** What differs between the two versions of OpenAPI. */
export interface Dialect {
  /** `#/definitions/` or `#/components/schemas/`. */
  readonly refPrefix: string;
  readonly quantity: object;
  readonly intOrString: object;
}

export const OPENAPI_V2: Dialect = {
  refPrefix: '#/definitions/',
  quantity: { type: 'string' },
  intOrString: { type: 'string', format: 'int-or-string' },
};

export const OPENAPI_V3: Dialect = {
  refPrefix: '#/components/schemas/',
  quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  intOrString: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
};

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const TIME = 'io.k8s.apimachinery.pkg.apis.meta.v1.Time';
const MICRO_TIME = 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime';
const DURATION = 'io.k8s.apimachinery.pkg.apis.meta.v1.Duration';
const FIELDS_V1 = 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1';
const RAW_EXTENSION = 'io.k8s.apimachinery.pkg.runtime.RawExtension';
const ANY_JSON = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON';

const TYPE_FIELDS = { apiVersion: { type: 'string' }, kind: { type: 'string' } };

/** Collects the definitions that a document needs, each once, by following references. */
export class SchemaDocument {
  readonly #dialect: Dialect;
  readonly #kinds: ReadonlyMap<string, readonly GroupVersionKind[]>;
  readonly #descriptions: Descriptions;
  readonly #schemas = new Map<string, object>();
  /** Names of the definitions that were added as they are, by the kind they stand for. */
  readonly #added = new Map<string, string>();

  /** @param kinds by type name, the kinds that a definition is marked with */
  constructor(
    dialect: Dialect,
    kinds: ReadonlyMap<string, readonly GroupVersionKind[]>,
    descriptions: Descriptions,
  ) {
    this.#dialect = dialect;
    this.#kinds = kinds;
    this.#descriptions = descriptions;
  }

  /** A reference to the struct's definition, which is added with everything it refers to. */
  ref(struct: StructType): { readonly $ref: string } {
    const name = struct.definition;
    if (!this.#schemas.has(name)) {
      // Reserved first: types refer to each other in circles.
      this.#schemas.set(name, {});
      this.#schemas.set(name, this.#definition(struct));
    }
    return { $ref: `${this.#dialect.refPrefix}${name}` };
  }

  /** A reference to the definition of a kind, built in or added; undefined when the document has none. */
  refOfKind({ group, version, kind }: GroupVersionKind): { readonly $ref: string } | undefined {
    const added = this.#added.get(`${group}/${version}/${kind}`);
    if (added !== undefined) {
      return { $ref: `${this.#dialect.refPrefix}${added}` };
    }
    const struct = structOfKind(group, version, kind);
    return struct === undefined ? undefined : this.ref(struct);
  }

  /** Adds a definition that does not come from a table. */
  add({ group, version, kind }: GroupVersionKind, name: string, schema: object): void {
    this.#added.set(`${group}/${version}/${kind}`, name);
    this.#schemas.set(name, schema);
  }

  /** True for kinds that were added, which are the custom ones. */
  isAdded({ group, version, kind }: GroupVersionKind): boolean {
    return this.#added.has(`${group}/${version}/${kind}`);
  }

  get dialect(): Dialect {
    return this.#dialect;
  }

  /** All definitions, by name in alphabetical order. */
  schemas(): Record<string, object> {
    return Object.fromEntries([...this.#schemas].toSorted(([left], [right]) => (left < right ? -1 : 1)));
  }

  #definition(struct: StructType): object {
    const { text, fields } = this.#descriptions.of(struct);
    const properties = Object.fromEntries(
      struct.fields.map((field) => [field.name, this.#property(field, fields[field.name])] as const),
    );
    const { apiVersion, kind } = TYPE_FIELDS;
    const typeFields = {
      apiVersion: withText(apiVersion, fields['apiVersion']),
      kind: withText(kind, fields['kind']),
    };
    const all = struct.isKind ? { ...typeFields, ...properties } : properties;
    const required = struct.fields.filter(({ isRequired }) => isRequired).map(({ name }) => name);
    const kinds = this.#kinds.get(struct.name);
    return {
      ...(text === '' ? {} : { description: text }),
      type: 'object',
      ...(Object.keys(all).length > 0 ? { properties: all } : {}),
      ...(required.length > 0 ? { required } : {}),
      ...(struct.isAtomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      ...(kinds === undefined ? {} : { 'x-kubernetes-group-version-kind': kinds }),
    };
  }

  #property(field: Field, text: string | undefined): object {
    const type = this.#type(field.type);
    const extensions = {
      ...withText({}, text === '' ? this.#textOfType(field.type) : text),
      ...(field.listType === undefined ? {} : { 'x-kubernetes-list-type': field.listType }),
      ...(field.listMapKeys.length > 0 ? { 'x-kubernetes-list-map-keys': field.listMapKeys } : {}),
      ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
      ...(field.patchStrategies.length === 0
        ? {}
        : { 'x-kubernetes-patch-strategy': field.patchStrategies.join(',') }),
      ...(field.mapType === undefined ? {} : { 'x-kubernetes-map-type': field.mapType }),
      ...(field.default === undefined ? {} : { default: field.default }),
    };
    if (Object.keys(extensions).length === 0) {
      return type;
    }
    // Nothing may stand beside a reference in version 3.
    return '$ref' in type && this.#dialect === OPENAPI_V3
      ? { allOf: [type], ...extensions }
      : { ...type, ...extensions };
  }

  /** A field of which nothing is said is at least of a type of which something is. */
  #textOfType(type: ValueType): string {
    return type.kind === 'struct' ? this.#descriptions.of(type.struct).text : '';
  }

  #type(type: ValueType): object {
    switch (type.kind) {
      case 'struct':
        return this.ref(type.struct);
      case 'list':
        return { type: 'array', items: this.#type(type.item) };
      case 'map':
        return { type: 'object', additionalProperties: this.#type(type.value) };
      case 'scalar':
        return this.#scalar(type);
    }
  }

  #scalar({ scalar, values }: Extract<ValueType, { kind: 'scalar' }>): object {
    switch (scalar) {
      case 'string':
        return { type: 'string', ...(values === undefined ? {} : { enum: values }) };
      case 'bool':
        return { type: 'boolean' };
      case 'int32':
      case 'int64':
        return { type: 'integer', format: scalar };
      case 'float64':
        return { type: 'number', format: 'double' };
      case 'bytes':
        return { type: 'string', format: 'byte' };
      case 'time':
        return this.#named(TIME, { type: 'string', format: 'date-time' });
      case 'microTime':
        return this.#named(MICRO_TIME, { type: 'string', format: 'date-time' });
      case 'duration':
        return this.#named(DURATION, { type: 'string' });
      case 'quantity':
        return this.#named(QUANTITY, this.#dialect.quantity);
      case 'intOrString':
        return this.#named(INT_OR_STRING, this.#dialect.intOrString);
      case 'rawExtension':
        return this.#named(RAW_EXTENSION, { type: 'object' });
      case 'fieldsV1':
        return this.#named(FIELDS_V1, { type: 'object' });
      case 'json':
        return this.#named(ANY_JSON, {});
    }
  }

  #named(name: string, schema: object): object {
    this.#schemas.set(name, schema);
    return { $ref: `${this.#dialect.refPrefix}${name}` };
  }
}

function withText(schema: object, text: string | undefined): object {
  return text === undefined || text === '' ? schema : { description: text, ...schema };
}
