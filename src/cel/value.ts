import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  ERROR,
  INT,
  NULL,
  STRING,
  TIMESTAMP,
  TYPE,
  UINT,
  listOf,
  mapOf,
  optionalOf,
  parameterAt,
} from './types.ts';
import type { Type } from './types.ts';

/**
 * A value during evaluation. An `int` is a plain number while it is safe and a bigint beyond, so that the common
 * case costs nothing and the rest stays exact; a `double`, which is rare here, is boxed.
 */
export type Value = null | boolean | number | bigint | string | Uint8Array | Boxed;

/** Turns plain JSON into a value, as its schema declares it. */
export type Adapter = (json: unknown) => Value;

export abstract class Boxed {
  abstract readonly type: Type;
}

/** An operation that did not work out. It is a value because `&&`, `||` and optionals may yet absorb it. */
export class EvaluationError extends Boxed {
  readonly type = ERROR;
  readonly message: string;

  constructor(message: string) {
    super();
    this.message = message;
  }
}

/** Errors are values, which `&&`, `||` and `?:` may absorb; anything else passes them on. */
export function isError(value: Value): value is EvaluationError {
  return value instanceof EvaluationError;
}

export function noSuchOverload(): EvaluationError {
  return new EvaluationError('no such overload');
}

export class Double extends Boxed {
  readonly type = DOUBLE;
  readonly value: number;

  constructor(value: number) {
    super();
    this.value = value;
  }
}

export class Uint extends Boxed {
  readonly type = UINT;
  readonly value: bigint;

  constructor(value: bigint) {
    super();
    this.value = value;
  }
}

export class Timestamp extends Boxed {
  readonly type = TIMESTAMP;
  /** Since 1970, may be negative. */
  readonly seconds: number;
  /** 0 to 999,999,999, counted forward from `seconds`. */
  readonly nanos: number;
  /** The offset it was written with, which its text shows again. */
  readonly offsetMinutes: number;

  constructor(seconds: number, nanos: number, offsetMinutes = 0) {
    super();
    this.seconds = seconds;
    this.nanos = nanos;
    this.offsetMinutes = offsetMinutes;
  }
}

export class Duration extends Boxed {
  readonly type = DURATION;
  /** Fits int64. */
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    super();
    this.nanos = nanos;
  }
}

export class TypeValue extends Boxed {
  readonly type = TYPE;
  readonly named: Type;

  constructor(named: Type) {
    super();
    this.named = named;
  }
}

/** A value or {@link OptionalValue.NONE}. */
export class OptionalValue extends Boxed {
  static readonly NONE = new OptionalValue(undefined);
  readonly type = optionalOf(DYN);
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    super();
    this.value = value;
  }
}

const LIST_TYPE = listOf(DYN);
const MAP_TYPE = mapOf(DYN, DYN);

/** How a list from the API behaves: a `set` or `map` has no order and unites on `+`. */
export type ListKind = 'atomic' | 'set' | { readonly keys: readonly string[] };

/** A list of values, or of the host's data that becomes values when it is read. */
export class ListValue extends Boxed {
  readonly type = LIST_TYPE;
  readonly raw: readonly unknown[];
  readonly adapt: Adapter | undefined;
  readonly kind: ListKind;

  private constructor(raw: readonly unknown[], adapt: Adapter | undefined, kind: ListKind) {
    super();
    this.raw = raw;
    this.adapt = adapt;
    this.kind = kind;
  }

  static of(elements: readonly Value[], kind: ListKind = 'atomic'): ListValue {
    return new ListValue(elements, undefined, kind);
  }

  /** A list of the host's, whose elements are adapted when they are read. */
  static ofHost(raw: readonly unknown[], adapt: Adapter, kind: ListKind): ListValue {
    return new ListValue(raw, adapt, kind);
  }

  get size(): number {
    return this.raw.length;
  }

  /** The element at an index known to be inside. */
  at(index: number): Value {
    const element = this.raw[index];
    // Without an adapter the list was made of values.
    return this.adapt === undefined ? (element as Value) : this.adapt(element);
  }

  toArray(): readonly Value[] {
    return this.adapt === undefined ? (this.raw as readonly Value[]) : this.raw.map(this.adapt);
  }
}

/** A map, however it is stored. Keys are equal as the language has it: `1`, `1u` and `1.0` are one. */
export abstract class MapValue extends Boxed {
  override readonly type: Type = MAP_TYPE;
  abstract readonly size: number;
  abstract get(key: Value): Value | undefined;
  abstract keys(): readonly Value[];

  has(key: Value): boolean {
    return this.get(key) !== undefined;
  }
}

/** A map written in the expression. */
export class EntryMap extends MapValue {
  readonly #entries: Map<string | number | bigint | boolean, { readonly key: Value; readonly value: Value }>;

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    super();
    this.#entries = new Map();
    for (const [key, value] of entries) {
      this.set(key, value);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    const plain = mapKey(key);
    return plain === undefined ? undefined : this.#entries.get(plain)?.value;
  }

  keys(): readonly Value[] {
    return Array.from(this.#entries.values(), ({ key }) => key);
  }

  /** Only for the maker of the map; once handed out it does not change. */
  set(key: Value, value: Value): void {
    const plain = mapKey(key);
    if (plain !== undefined) {
      this.#entries.set(plain, { key, value });
    }
  }
}

/**
 * The key under which numbers of the same worth meet: `1`, `1u` and `1.0` are one. Undefined for what cannot be a
 * key.
 */
export function mapKey(key: Value): string | number | bigint | boolean | undefined {
  switch (typeof key) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return key;
    default:
      break;
  }
  if (key instanceof Uint) {
    return intOf(key.value);
  }
  if (key instanceof Double && Number.isInteger(key.value)) {
    return intOf(BigInt(key.value));
  }
  return undefined;
}

/** A map of the host's: keys are strings, values are adapted when read. */
export class HostMap extends MapValue {
  readonly record: Readonly<Record<string, unknown>>;
  readonly #adapt: Adapter;

  constructor(record: Readonly<Record<string, unknown>>, adapt: Adapter) {
    super();
    this.record = record;
    this.#adapt = adapt;
  }

  get size(): number {
    return Object.keys(this.record).length;
  }

  get(key: Value): Value | undefined {
    return typeof key === 'string' && Object.hasOwn(this.record, key)
      ? this.#adapt(this.record[key])
      : undefined;
  }

  override has(key: Value): boolean {
    return typeof key === 'string' && Object.hasOwn(this.record, key);
  }

  keys(): readonly Value[] {
    return Object.keys(this.record);
  }
}

/** How a struct's fields are read from the host's object. */
export interface StructShape {
  readonly type: Type;
  field(name: string): StructShapeField | undefined;
  /** Absent where any field may be set. */
  readonly fieldNames?: readonly string[];
  /** A field that is null is as absent; objects of the host's that a schema describes are so. */
  readonly isNullAbsent?: boolean;
  /** Makes a value from a literal such as `Object{…}`; absent where expressions only read. */
  readonly create?: (fields: ReadonlyMap<string, Value>) => Value;
}

export interface StructShapeField {
  readonly type: Type;
  /** The property of the JSON object, which may differ from the escaped name in expressions. */
  readonly property: string;
  readonly adapt: Adapter;
}

/** An object of the host's with declared fields. */
export class StructValue extends Boxed {
  readonly shape: StructShape;
  readonly record: Readonly<Record<string, unknown>>;

  constructor(shape: StructShape, record: Readonly<Record<string, unknown>>) {
    super();
    this.shape = shape;
    this.record = record;
  }

  get type(): Type {
    return this.shape.type;
  }

  /** Every field that may be set; those that are, where any may. */
  get fieldNames(): readonly string[] {
    return this.shape.fieldNames ?? Object.keys(this.record);
  }

  get(name: string): Value | undefined {
    const field = this.shape.field(name);
    return field === undefined || !this.#hasProperty(field.property)
      ? undefined
      : field.adapt(this.record[field.property]);
  }

  has(name: string): boolean {
    const field = this.shape.field(name);
    return field !== undefined && this.#hasProperty(field.property);
  }

  #hasProperty(property: string): boolean {
    return (
      Object.hasOwn(this.record, property) &&
      !(this.shape.isNullAbsent === true && this.record[property] === null)
    );
  }
}

/** A value of a library's own type. */
export abstract class OpaqueValue extends Boxed {
  abstract equals(other: OpaqueValue): boolean;
}

/** One that also has a size, which costs are counted by. */
export abstract class SizedValue extends OpaqueValue {
  abstract readonly size: number;
}

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;
export const UINT_MAX = 2n ** 64n - 1n;

/** The `int` of a whole number known to fit int64: a number while that is exact. */
export function intOf(value: bigint): number | bigint {
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : value;
}

export function fitsInt(value: bigint): boolean {
  return value >= INT_MIN && value <= INT_MAX;
}

export function isInt(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** The dynamic type of a value, as `type()` and messages name it. */
export function typeOfValue(value: Value): Type {
  switch (typeof value) {
    case 'boolean':
      return BOOL;
    case 'number':
    case 'bigint':
      return INT;
    case 'string':
      return STRING;
    default:
      break;
  }
  if (value === null) {
    return NULL;
  }
  return value instanceof Uint8Array ? BYTES : value.type;
}

/** Whether a value may be given for a parameter of this type. Of containers the first element tells. */
export function isInstance(value: Value, type: Type): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
    case 'error':
      return true;
    case 'list':
      return value instanceof ListValue && (value.size === 0 || isElement(value.at(0), parameterAt(type, 0)));
    case 'map': {
      const [key] = value instanceof MapValue ? value.keys() : [];
      return (
        value instanceof MapValue &&
        (key === undefined ||
          (isElement(key, parameterAt(type, 0)) && isElement(value.get(key) ?? null, parameterAt(type, 1))))
      );
    }
    case 'struct':
    case 'opaque':
      return typeOfValue(value).name === type.name;
    default:
      return typeOfValue(value).kind === type.kind;
  }
}

/** What containers hold is not looked into: what is in there may be mixed. */
function isElement(value: Value, type: Type): boolean {
  return type.kind === 'list' || type.kind === 'map' || isInstance(value, type);
}
