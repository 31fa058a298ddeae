import { isReserved } from './property-name.ts';
import { DurationText, TimestampText } from './time-text.ts';
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  STRING,
  TIMESTAMP,
  listOf,
  mapOf,
  structType,
} from './types.ts';
import type { Type } from './types.ts';
import { Double, EvaluationError, HostMap, ListValue, StructValue, fitsInt, intOf } from './value.ts';
import type { Adapter, ListKind, StructShape, StructShapeField, Value } from './value.ts';

interface SchemaBase {
  /** Null is a value; otherwise it is an error to read one. */
  readonly nullable?: boolean;
}

interface ScalarSchema extends SchemaBase {
  readonly kind: 'bool' | 'int' | 'double' | 'dyn';
}

/** Typed `dyn`. */
interface IntOrStringSchema extends SchemaBase {
  readonly kind: 'int-or-string';
  /** In code points. */
  readonly maxLength?: number;
}

interface TextSchema extends SchemaBase {
  readonly kind: 'string' | 'bytes' | 'date' | 'date-time' | 'duration';
  /** In code points, or octets of bytes. */
  readonly maxLength?: number;
  /** Octets of the longest value, where only some are allowed; `maxLength` goes before it. */
  readonly sizeMax?: number;
}

interface ListSchema extends SchemaBase {
  readonly kind: 'list';
  readonly items: Schema;
  readonly maxItems?: number;
  readonly listKind?: ListKind;
}

interface MapSchema extends SchemaBase {
  readonly kind: 'map';
  readonly values: Schema;
  readonly maxProperties?: number;
}

interface ObjectField {
  readonly property?: string;
  /** Counts towards the shortest JSON of the object, which bounds how many a list may hold. */
  readonly isRequired?: boolean;
  readonly schema: Schema;
}

interface ObjectSchema extends SchemaBase {
  readonly kind: 'object';
  /** The type's name in messages; unique in its environment. */
  readonly name: string;
  /** By the name expressions use, which is the property's unless that cannot be spelt. */
  readonly fields: Readonly<Record<string, ObjectField>>;
}

/** How the host's JSON is to be understood, with bounds for cost estimates. */
export type Schema = ScalarSchema | IntOrStringSchema | TextSchema | ListSchema | MapSchema | ObjectSchema;

export function typeOfSchema(schema: Schema): Type {
  switch (schema.kind) {
    case 'bool':
      return BOOL;
    case 'int':
      return INT;
    case 'double':
      return DOUBLE;
    case 'int-or-string':
    case 'dyn':
      return DYN;
    case 'string':
      return STRING;
    case 'bytes':
      return BYTES;
    case 'date':
    case 'date-time':
      return TIMESTAMP;
    case 'duration':
      return DURATION;
    case 'list':
      return listOf(typeOfSchema(schema.items));
    case 'map':
      return mapOf(STRING, typeOfSchema(schema.values));
    case 'object':
      return structType(schema.name);
  }
}

/** Every object a schema holds, itself included. */
export function structShapesOf(schema: Schema): readonly StructShape[] {
  const shapes = new Map<string, StructShape>();
  const visit = (part: Schema): void => {
    if (part.kind === 'list') {
      visit(part.items);
    } else if (part.kind === 'map') {
      visit(part.values);
    } else if (part.kind === 'object' && !shapes.has(part.name)) {
      shapes.set(part.name, shapeOf(part));
      for (const { schema: field } of Object.values(part.fields)) {
        visit(field);
      }
    }
  };
  visit(schema);
  return [...shapes.values()];
}

const ADAPTERS = new WeakMap<Schema, Adapter>();
const SHAPES = new WeakMap<ObjectSchema, StructShape>();

/** The reader of a schema's JSON; made once for each schema. */
export function adapterOf(schema: Schema): Adapter {
  let adapter = ADAPTERS.get(schema);
  if (adapter === undefined) {
    adapter = guardNull(schema, makeAdapter(schema));
    ADAPTERS.set(schema, adapter);
  }
  return adapter;
}

function guardNull(schema: Schema, adapt: Adapter): Adapter {
  if (schema.kind === 'dyn') {
    return adapt;
  }
  const whenNull =
    schema.nullable === true
      ? null
      : new EvaluationError('invalid data, got null for schema with nullable=false');
  return (json) => (json === null || json === undefined ? whenNull : adapt(json));
}

function shapeOf(schema: ObjectSchema): StructShape {
  let shape = SHAPES.get(schema);
  if (shape === undefined) {
    shape = new SchemaShape(schema);
    SHAPES.set(schema, shape);
  }
  return shape;
}

/** Reads fields' types on demand, so that a schema may hold itself. */
class SchemaShape implements StructShape {
  readonly type: Type;
  readonly fieldNames: readonly string[];
  readonly isNullAbsent = true;
  readonly #schema: ObjectSchema;
  readonly #fields = new Map<string, StructShapeField>();

  constructor(schema: ObjectSchema) {
    this.type = structType(schema.name);
    this.fieldNames = Object.keys(schema.fields);
    this.#schema = schema;
  }

  field(name: string): StructShapeField | undefined {
    const known = this.#fields.get(name);
    if (known !== undefined) {
      return known;
    }
    const { fields } = this.#schema;
    // Words that are reserved elsewhere may be fields, spelt as they are or escaped.
    const spelt = Object.hasOwn(fields, name) ? name : isReserved(name) ? `__${name}__` : undefined;
    const declared = spelt !== undefined && Object.hasOwn(fields, spelt) ? fields[spelt] : undefined;
    if (declared === undefined) {
      return undefined;
    }
    const { schema, property } = declared;
    const field = {
      type: typeOfSchema(schema),
      property: property ?? spelt ?? name,
      adapt: adapterOf(schema),
    };
    this.#fields.set(name, field);
    return field;
  }
}

function makeAdapter(schema: Schema): Adapter {
  switch (schema.kind) {
    case 'bool':
      return (json) => (typeof json === 'boolean' ? json : invalid('a bool', json));
    case 'int':
      return (json) => (Number.isSafeInteger(json) ? (json as number) : adaptWideInt(json));
    case 'double':
      return (json) => (typeof json === 'number' ? new Double(json) : adaptWideDouble(json));
    case 'int-or-string':
      return (json) =>
        typeof json === 'string' || Number.isSafeInteger(json)
          ? (json as string | number)
          : adaptWideInt(json);
    case 'string':
      return (json) => (typeof json === 'string' ? json : invalid('a string', json));
    case 'bytes':
      return (json) =>
        typeof json === 'string' ? new Uint8Array(Buffer.from(json, 'base64')) : invalid('bytes', json);
    case 'date':
      return (json) => (typeof json === 'string' ? TimestampText.parseDate(json) : invalid('a date', json));
    case 'date-time':
      return (json) => (typeof json === 'string' ? TimestampText.parse(json) : invalid('a date-time', json));
    case 'duration':
      return (json) => (typeof json === 'string' ? DurationText.parse(json) : invalid('a duration', json));
    case 'dyn':
      return adaptUntyped;
    case 'list':
      return listAdapter(schema);
    case 'map':
      return mapAdapter(schema);
    case 'object':
      return objectAdapter(schema);
  }
}

function listAdapter(schema: ListSchema): Adapter {
  const items = adapterOf(schema.items);
  const kind = schema.listKind ?? 'atomic';
  return (json) => (Array.isArray(json) ? ListValue.ofHost(json, items, kind) : invalid('a list', json));
}

function mapAdapter(schema: MapSchema): Adapter {
  const values = adapterOf(schema.values);
  return (json) => (isRecord(json) ? new HostMap(json, values) : invalid('a map', json));
}

function objectAdapter(schema: ObjectSchema): Adapter {
  const shape = shapeOf(schema);
  return (json) => (isRecord(json) ? new StructValue(shape, json) : invalid('an object', json));
}

function isRecord(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function invalid(expected: string, json: unknown): EvaluationError {
  return new EvaluationError(
    `invalid data, expected ${expected}, got ${Array.isArray(json) ? 'a list' : typeof json}`,
  );
}

/** Decoders give integers past 2^53 as bigints. */
function adaptWideInt(json: unknown): Value {
  if (typeof json === 'bigint' && fitsInt(json)) {
    return intOf(json);
  }
  return Number.isInteger(json) && fitsInt(BigInt(json as number))
    ? BigInt(json as number)
    : invalid('an int', json);
}

function adaptWideDouble(json: unknown): Value {
  return typeof json === 'bigint' ? new Double(Number(json)) : invalid('a number', json);
}

/** JSON without a schema: whole numbers are ints, as in YAML. */
export function adaptUntyped(json: unknown): Value {
  switch (typeof json) {
    case 'string':
    case 'boolean':
      return json;
    case 'number':
      return Number.isSafeInteger(json) ? json : new Double(json);
    case 'bigint':
      return fitsInt(json) ? intOf(json) : new Double(Number(json));
    default:
      break;
  }
  if (json === null || json === undefined) {
    return null;
  }
  if (Array.isArray(json)) {
    return ListValue.ofHost(json, adaptUntyped, 'atomic');
  }
  return isRecord(json) ? new HostMap(json, adaptUntyped) : invalid('JSON', json);
}
