import { jsonEqual } from '#base/json-equal.ts';
import {
  Boxed,
  Double,
  Duration,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  StructValue,
  Timestamp,
  TypeValue,
  Uint,
} from './value.ts';
import type { Value } from './value.ts';

/** Equality across all types: numbers by worth, containers by content, and what cannot be compared is unequal. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) {
    return true;
  }
  if (a instanceof Boxed) {
    return equalBoxed(a, b);
  }
  if (b instanceof Boxed) {
    return equalBoxed(b, a);
  }
  return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
}

function equalBoxed(a: Boxed, b: Value): boolean {
  if (a instanceof Double) {
    return equalNumber(a.value, b);
  }
  if (a instanceof Uint) {
    return b instanceof Double ? equalNumber(b.value, a) : integerOf(b) === a.value;
  }
  if (a instanceof ListValue) {
    return b instanceof ListValue && equalLists(a, b);
  }
  if (a instanceof MapValue) {
    return b instanceof MapValue && equalMaps(a, b);
  }
  if (a instanceof StructValue) {
    return b instanceof StructValue && equalStructs(a, b);
  }
  if (a instanceof OpaqueValue) {
    return b instanceof OpaqueValue && a.type.name === b.type.name && a.equals(b);
  }
  return equalSimple(a, b);
}

function equalSimple(a: Boxed, b: Value): boolean {
  if (a instanceof Timestamp) {
    return b instanceof Timestamp && a.seconds === b.seconds && a.nanos === b.nanos;
  }
  if (a instanceof Duration) {
    return b instanceof Duration && a.nanos === b.nanos;
  }
  if (a instanceof TypeValue) {
    return b instanceof TypeValue && a.named.name === b.named.name;
  }
  if (a instanceof OptionalValue && b instanceof OptionalValue) {
    return a.value === undefined || b.value === undefined ? a.value === b.value : equal(a.value, b.value);
  }
  return false;
}

/** The whole number of an int or a uint. */
function integerOf(value: Value): bigint | undefined {
  if (value instanceof Uint) {
    return value.value;
  }
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : undefined;
}

function equalNumber(double: number, other: Value): boolean {
  if (other instanceof Double) {
    return double === other.value;
  }
  const integer = integerOf(other);
  return integer !== undefined && Number.isInteger(double) && BigInt(double) === integer;
}

function equalLists(a: ListValue, b: ListValue): boolean {
  if (a.size !== b.size) {
    return false;
  }
  const { kind } = a;
  if (kind !== 'atomic') {
    return unorderedEqual(a, b);
  }
  for (let index = 0; index < a.size; index++) {
    if (!equal(a.at(index), b.at(index))) {
      return false;
    }
  }
  return true;
}

/** Lists that are sets or maps hold no element twice, so one way round is enough. */
function unorderedEqual(a: ListValue, b: ListValue): boolean {
  const others = b.toArray();
  return a.toArray().every((element) => others.some((other) => equal(element, other)));
}

function equalMaps(a: MapValue, b: MapValue): boolean {
  return (
    a.size === b.size &&
    a.keys().every((key) => {
      const [left, right] = [a.get(key), b.get(key)];
      return left !== undefined && right !== undefined && equal(left, right);
    })
  );
}

function equalStructs(a: StructValue, b: StructValue): boolean {
  return (
    a.shape.type.name === b.shape.type.name &&
    (a.shape.isNullAbsent !== true || equalUndeclared(a, b)) &&
    [...a.fieldNames, ...b.fieldNames].every((name) => {
      const [left, right] = [a.get(name), b.get(name)];
      return left === undefined || right === undefined ? left === right : equal(left, right);
    })
  );
}

/** Objects may have fields that their schema does not declare; those are compared as JSON. */
function equalUndeclared(a: StructValue, b: StructValue): boolean {
  const names = Object.keys(a.record);
  if (names.length !== Object.keys(b.record).length) {
    return false;
  }
  const declared = new Set(a.fieldNames.map((name) => a.shape.field(name)?.property));
  return names.every(
    (name) =>
      declared.has(name) || !Object.hasOwn(b.record, name) || jsonEqual(a.record[name], b.record[name]),
  );
}

/** Order by code points, which is that of UTF-8; plain comparison differs where there are surrogates. */
export function compareText(a: string, b: string): number {
  if (a === b) {
    return 0;
  }
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) {
      const isLeftHigh = left >= 0xd800 && left <= 0xdfff;
      const isRightHigh = right >= 0xd800 && right <= 0xdfff;
      return isLeftHigh === isRightHigh ? left - right : isLeftHigh ? 1 : -1;
    }
  }
  return a.length - b.length;
}
