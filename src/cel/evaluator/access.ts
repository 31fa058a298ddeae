import { DurationText, TimestampText } from '../time-text.ts';
import {
  Double,
  Duration,
  EvaluationError,
  ListValue,
  MapValue,
  OptionalValue,
  StructValue,
  Timestamp,
  Uint,
  isError,
  noSuchOverload,
  typeOfValue,
} from '../value.ts';
import type { Value } from '../value.ts';
import { noSuchKey } from './frame.ts';

/** `target.field`, or undefined when it is not there. */
function find(target: Value, field: string): Value | undefined {
  return target instanceof StructValue || target instanceof MapValue ? target.get(field) : noSuchOverload();
}

export function selectField(target: Value, field: string): Value {
  if (target instanceof OptionalValue) {
    return selectOptional(target, field);
  }
  return present(find(target, field), field);
}

/** `target.?field` */
export function selectOptional(target: Value, field: string): Value {
  const inner = target instanceof OptionalValue ? target.value : target;
  if (inner === undefined) {
    return OptionalValue.NONE;
  }
  return wrap(find(inner, field));
}

/** `has(target.field)` */
export function testField(target: Value, field: string): Value {
  if (target instanceof OptionalValue) {
    return target.value !== undefined && testField(target.value, field);
  }
  return target instanceof StructValue || target instanceof MapValue ? target.has(field) : noSuchOverload();
}

/** Null is a value like others. */
function present(value: Value | undefined, key: string): Value {
  return value === undefined ? noSuchKey(key) : value;
}

function wrap(value: Value | undefined): Value {
  if (value === undefined) {
    return OptionalValue.NONE;
  }
  return isError(value) ? value : new OptionalValue(value);
}

/** `target[index]` */
export function selectIndex(target: Value, index: Value): Value {
  if (target instanceof OptionalValue) {
    return selectOptionalIndex(target, index);
  }
  if (target instanceof ListValue) {
    const position = listPosition(index);
    if (position === undefined) {
      return new EvaluationError(`unsupported index type '${typeOfValue(index).name}' in list`);
    }
    return position >= 0 && position < target.size
      ? target.at(position)
      : new EvaluationError(`index out of bounds: ${position}`);
  }
  if (target instanceof MapValue) {
    return present(target.get(index), keyText(index));
  }
  return target instanceof StructValue && typeof index === 'string'
    ? selectField(target, index)
    : noSuchOverload();
}

/** `target[?index]` */
export function selectOptionalIndex(target: Value, index: Value): Value {
  const inner = target instanceof OptionalValue ? target.value : target;
  if (inner === undefined) {
    return OptionalValue.NONE;
  }
  if (inner instanceof ListValue) {
    const position = listPosition(index);
    return position !== undefined && position >= 0 && position < inner.size
      ? wrap(inner.at(position))
      : OptionalValue.NONE;
  }
  return inner instanceof MapValue ? wrap(inner.get(index)) : selectOptional(inner, keyText(index));
}

/** Lists take any whole number. */
function listPosition(index: Value): number | undefined {
  if (typeof index === 'number' || typeof index === 'bigint') {
    return Number(index);
  }
  if (index instanceof Uint) {
    return Number(index.value);
  }
  return index instanceof Double && Number.isInteger(index.value) ? index.value : undefined;
}

/** A key as messages spell it. */
export function keyText(key: Value): string {
  if (key instanceof Uint || key instanceof Double) {
    return String(key.value);
  }
  if (key instanceof Timestamp) {
    return TimestampText.format(key);
  }
  if (key instanceof Duration) {
    return DurationText.format(key);
  }
  return typeof key === 'object' ? typeOfValue(key).name : String(key);
}
