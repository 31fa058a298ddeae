import { assert, defined } from '#base/assert.ts';
import type { RawField, RawType } from './raw-table.ts';
import { RAW_TABLES, type RawTable } from './raw-tables.ts';
import { definitionName } from './definition-name.ts';

export type Scalar =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'float64'
  /** Base64 in JSON. */
  | 'bytes'
  /** RFC 3339 with seconds. */
  | 'time'
  /** RFC 3339 with six digits. */
  | 'microTime'
  /** Go's form, `1h2m3.5s`. */
  | 'duration'
  | 'quantity'
  | 'intOrString'
  /** Any object with a kind of its own. */
  | 'rawExtension'
  | 'fieldsV1'
  /** Any JSON value. */
  | 'json';

/** The shape of a value. Compare with `switch (type.kind)`. */
export type ValueType =
  | {
      readonly kind: 'scalar';
      readonly scalar: Scalar;
      /** With a closed set of strings: the only valid ones. */
      readonly values?: readonly string[];
    }
  | {
      readonly kind: 'list';
      readonly item: ValueType;
      /** A list with a name of its own is a message in protobuf, whose one field repeats. */
      readonly isNamed?: true;
    }
  | { readonly kind: 'map'; readonly value: ValueType }
  | { readonly kind: 'struct'; readonly struct: StructType };

/** One field as it stands in JSON; fields of inlined types are spread into their parent. */
export interface Field {
  readonly name: string;
  readonly type: ValueType;
  readonly isRequired: boolean;
  /** Absent differs from zero. A struct that is not a pointer is always present, as `{}` at least. */
  readonly isPointer: boolean;
  /** Written even when empty; otherwise empty strings, zeros, false, `[]` and `{}` of non-pointers are left out. */
  readonly isKeptEmpty: boolean;
  readonly default: unknown;
  readonly patchStrategies: readonly string[];
  readonly patchMergeKey: string | undefined;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[];
  /** `atomic` on maps and structs that server-side apply takes as one value. */
  readonly mapType: 'atomic' | 'granular' | undefined;
  /** Protobuf field number; 0 when the field has none. */
  readonly pbNumber: number;
  /** Field numbers of the messages around an inlined field, outermost first; mostly empty. */
  readonly pbPath: readonly number[];
}

/** One type of the API. Built on first use and then shared; never modified. */
export interface StructType {
  /** `core.v1.Pod` for built-in types. */
  readonly name: string;
  /** The name OpenAPI knows it by: `io.k8s.api.core.v1.Pod`. */
  readonly definition: string;
  /** True when objects of it stand on their own, with `apiVersion` and `kind` (not among the fields). */
  readonly isKind: boolean;
  readonly isAtomic: boolean;
  /** Fields that the table does not have are kept as they are; only schemas of custom resources have it. */
  readonly keepsUnknown?: boolean;
  readonly fields: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
}

const structs = new Map<string, LazyStruct>();

/**
 * The type named `core.v1.Pod`, or undefined when there is none.
 * Aliases of strings, lists and maps are not structs and are not found here.
 */
export function structType(name: string): StructType | undefined {
  const known = structs.get(name);
  if (known !== undefined) {
    return known;
  }
  const raw = rawType(name);
  if (raw === undefined || raw.alias !== undefined) {
    return undefined;
  }
  const struct = new LazyStruct(name, raw);
  structs.set(name, struct);
  return struct;
}

/** As {@link structType}, for names written in the code. */
export function knownStruct(name: string): StructType {
  return defined(structType(name), `type ${name}`);
}

/** The type of objects of a built-in kind; undefined for kinds that are not built in. */
export function structOfKind(group: string, version: string, kind: string): StructType | undefined {
  const struct = structType(`${tableName(group, version)}.${kind}`);
  return struct?.isKind === true ? struct : undefined;
}

/** Names of all types of one group version: `typeNames('apps', 'v1')`. */
export function typeNames(group: string, version: string): readonly string[] {
  const table = tableName(group, version);
  return Object.keys(rawTable(table) ?? {}).map((name) => `${table}.${name}`);
}

/** `rbac.authorization.k8s.io` and `v1` are in the table `rbac.v1`. */
export function tableName(group: string, version: string): string {
  const short = group === '' ? 'core' : (group.split('.')[0] ?? '');
  return `${short === 'internal' ? 'apiserverinternal' : short}.${version}`;
}

function rawTable(name: string): RawTable | undefined {
  // The generator's test reads every table through RawType, so the files have this shape.
  return Object.hasOwn(RAW_TABLES, name) ? (RAW_TABLES[name] as RawTable) : undefined;
}

function rawType(name: string): RawType | undefined {
  const dot = name.lastIndexOf('.');
  const table = rawTable(name.slice(0, dot));
  const key = name.slice(dot + 1);
  return table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Types refer to each other in circles (JSONSchemaProps), so fields are built when first looked at. */
class LazyStruct implements StructType {
  readonly name: string;
  readonly isKind: boolean;
  readonly isAtomic: boolean;
  readonly #raw: RawType;
  #fields: readonly Field[] | undefined;
  #byName: ReadonlyMap<string, Field> | undefined;

  constructor(name: string, raw: RawType) {
    this.name = name;
    this.#raw = raw;
    this.isKind = raw.kind === true;
    this.isAtomic = raw.mapType === 'atomic';
  }

  get definition(): string {
    return definitionName(this.name);
  }

  get fields(): readonly Field[] {
    this.#fields ??= buildFields(this.#raw, []);
    return this.#fields;
  }

  get byName(): ReadonlyMap<string, Field> {
    this.#byName ??= new Map(this.fields.map((field) => [field.name, field]));
    return this.#byName;
  }
}

function buildFields(raw: RawType, pbPath: readonly number[]): readonly Field[] {
  return (raw.fields ?? []).flatMap((field) => {
    if (field.inline === undefined) {
      return [buildField(field, pbPath)];
    }
    const inlined = defined(rawType(field.inline), `inlined type ${field.inline}`);
    return buildFields(inlined, field.pb === undefined ? pbPath : [...pbPath, field.pb]);
  });
}

function buildField(raw: RawField, pbPath: readonly number[]): Field {
  const listType = raw.listType;
  assert(
    listType === undefined || listType === 'atomic' || listType === 'set' || listType === 'map',
    'list type',
  );
  const isAtomic = raw.mapType === 'atomic' || raw.structType === 'atomic';
  const isGranular = raw.mapType === 'granular' || raw.structType === 'granular';
  return {
    name: defined(raw.name, 'field name'),
    type: valueType(defined(raw.type, 'field type')),
    isRequired: raw.required === true,
    isPointer: raw.pointer === true,
    isKeptEmpty: raw.keepEmpty === true,
    default: raw.default,
    patchStrategies: raw.patchStrategy?.split(',') ?? [],
    patchMergeKey: raw.patchMergeKey,
    listType,
    listMapKeys: raw.listMapKeys ?? [],
    mapType: isAtomic ? 'atomic' : isGranular ? 'granular' : undefined,
    pbNumber: raw.pb ?? 0,
    pbPath,
  };
}

const SCALARS: ReadonlySet<string> = new Set<Scalar>([
  'string',
  'bool',
  'int32',
  'int64',
  'float64',
  'bytes',
  'time',
  'microTime',
  'duration',
  'quantity',
  'intOrString',
  'rawExtension',
  'fieldsV1',
  'json',
]);

const valueTypes = new Map<string, ValueType>();

function valueType(notation: string): ValueType {
  const known = valueTypes.get(notation);
  if (known !== undefined) {
    return known;
  }
  const built = buildValueType(notation);
  valueTypes.set(notation, built);
  return built;
}

function buildValueType(notation: string): ValueType {
  if (notation.startsWith('[]')) {
    return { kind: 'list', item: valueType(notation.slice(2)) };
  }
  if (notation.startsWith('{}')) {
    return { kind: 'map', value: valueType(notation.slice(2)) };
  }
  if (SCALARS.has(notation)) {
    return { kind: 'scalar', scalar: notation as Scalar };
  }
  const raw = defined(rawType(notation), `type ${notation}`);
  if (raw.alias === undefined) {
    return { kind: 'struct', struct: knownStruct(notation) };
  }
  const target = valueType(raw.alias);
  if (target.kind === 'list' && target.item.kind === 'scalar') {
    return { ...target, isNamed: true };
  }
  const isClosed = raw.enum === true && raw.values !== undefined && target.kind === 'scalar';
  return isClosed && raw.values !== undefined ? { ...target, values: raw.values } : target;
}
