import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { TIMESTAMP_SECONDS_MIN } from '../time-text.ts';
import {
  Double,
  Duration,
  EvaluationError,
  ListValue,
  MapValue,
  OptionalValue,
  Timestamp,
  Uint,
  noSuchOverload,
} from '../value.ts';
import type { Value } from '../value.ts';

/** Whether a value is its type's empty one. */
function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === '') {
    return true;
  }
  if (value instanceof Uint8Array) {
    return value.length === 0;
  }
  if (value instanceof ListValue || value instanceof MapValue) {
    return value.size === 0;
  }
  if (value instanceof Uint || value instanceof Double) {
    return Number(value.value) === 0;
  }
  if (value instanceof Timestamp) {
    return value.seconds === TIMESTAMP_SECONDS_MIN && value.nanos === 0;
  }
  return value instanceof Duration && value.nanos === 0n;
}

/** Values that may be absent, which `a.?b` and `a[?b]` give. */
export const OPTIONAL: Library = {
  overloads: [
    declare('optional_of', 'optional.of(V): optional(V)', (value: Value) => new OptionalValue(value)),
    declare('optional_ofNonZeroValue', 'optional.ofNonZeroValue(V): optional(V)', (value: Value) =>
      isZero(value) ? OptionalValue.NONE : new OptionalValue(value),
    ),
    declare('optional_none', 'optional.none(): optional(V)', () => OptionalValue.NONE),
    method('optional_value', 'value(optional(V)): V', ({ value }: OptionalValue) => absent(value)),
    method(
      'optional_hasValue',
      'hasValue(optional(V)): bool',
      ({ value }: OptionalValue) => value !== undefined,
    ),
    method('optional_or_optional', 'or(optional(V), optional(V)): optional(V)', noSuchOverload),
    method('optional_orValue_value', 'orValue(optional(V), V): V', noSuchOverload),
    declare('optional_unwrap', 'optional.unwrap(list(optional(V))): list(V)', unwrap),
    method('optional_unwrapOpt', 'unwrapOpt(list(optional(V))): list(V)', unwrap),
  ],
};

function absent(value: Value | undefined): Value {
  return value === undefined ? new EvaluationError('optional.none() dereference') : value;
}

function unwrap(list: ListValue): Value {
  const values: Value[] = [];
  for (const element of list.toArray()) {
    if (element instanceof OptionalValue && element.value !== undefined) {
      values.push(element.value);
    }
  }
  return ListValue.of(values);
}
