import { keyText } from './evaluator/access.ts';
import { DurationText, TimestampText } from './time-text.ts';
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
} from './value.ts';
import type { Value } from './value.ts';

export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** The JSON of a value, as an admission patch or an audit annotation needs it; an error for what has none. */
export function jsonOfValue(value: Value): Json | EvaluationError {
  if (value === null || typeof value !== 'object') {
    return value;
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('base64');
  }
  if (value instanceof ListValue) {
    return jsonOfList(value);
  }
  if (value instanceof MapValue) {
    return jsonOfEntries(value.keys().map((key) => [key, value.get(key)]));
  }
  if (value instanceof StructValue) {
    return jsonOfEntries(value.fieldNames.map((name) => [propertyOf(value, name), value.get(name)]));
  }
  return jsonOfScalar(value);
}

function jsonOfScalar(
  value: Exclude<Value, null | Uint8Array | string | number | bigint | boolean>,
): Json | EvaluationError {
  if (value instanceof Double) {
    return value.value;
  }
  if (value instanceof Uint) {
    return value.value <= Number.MAX_SAFE_INTEGER ? Number(value.value) : value.value;
  }
  if (value instanceof Timestamp) {
    return TimestampText.format(value);
  }
  if (value instanceof Duration) {
    return DurationText.format(value);
  }
  if (value instanceof OptionalValue) {
    return value.value === undefined ? null : jsonOfValue(value.value);
  }
  return isError(value)
    ? value
    : new EvaluationError(`type '${value.type.name}' cannot be converted to JSON`);
}

function propertyOf(struct: StructValue, name: string): string {
  return struct.shape.field(name)?.property ?? name;
}

function jsonOfList(list: ListValue): Json | EvaluationError {
  const elements: Json[] = [];
  for (const element of list.toArray()) {
    const json = jsonOfValue(element);
    if (json instanceof EvaluationError) {
      return json;
    }
    elements.push(json);
  }
  return elements;
}

function jsonOfEntries(entries: readonly (readonly [Value, Value | undefined])[]): Json | EvaluationError {
  const record: Record<string, Json> = {};
  for (const [key, value] of entries) {
    if (value === undefined) {
      continue;
    }
    const json = jsonOfValue(value);
    if (json instanceof EvaluationError) {
      return json;
    }
    const name = keyText(key);
    // A plain assignment to `__proto__` would set the prototype.
    Object.defineProperty(record, name, {
      value: json,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return record;
}
