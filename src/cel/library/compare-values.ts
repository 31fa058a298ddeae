import { compareText } from '../equality.ts';
import { Double, Duration, Timestamp, Uint, isInt } from '../value.ts';
import type { Value } from '../value.ts';

/** The order of two values of one type; undefined when they have none. */
export function compareValues(a: Value, b: Value): number | undefined {
  if (typeof a === 'string' && typeof b === 'string') {
    return compareText(a, b);
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') {
    return Number(a) - Number(b);
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return Buffer.compare(a, b);
  }
  if (a instanceof Timestamp && b instanceof Timestamp) {
    return a.seconds - b.seconds || a.nanos - b.nanos;
  }
  const [left, right] = [orderOf(a), orderOf(b)];
  const isComparable =
    left !== undefined && right !== undefined && a instanceof Duration === b instanceof Duration;
  return isComparable ? (left < right ? -1 : left > right ? 1 : 0) : undefined;
}

function orderOf(value: Value): number | bigint | undefined {
  if (isInt(value)) {
    return value;
  }
  if (value instanceof Uint || value instanceof Double) {
    return value.value;
  }
  return value instanceof Duration ? value.nanos : undefined;
}
