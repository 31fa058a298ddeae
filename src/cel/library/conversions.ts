import { codePointLength } from '../call-cost.ts';
import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { DurationText, TIMESTAMP_SECONDS_MAX, TIMESTAMP_SECONDS_MIN, TimestampText } from '../time-text.ts';
import {
  Double,
  EvaluationError,
  Timestamp,
  TypeValue,
  UINT_MAX,
  Uint,
  fitsInt,
  intOf,
  typeOfValue,
} from '../value.ts';
import type { Duration, ListValue, MapValue, Value } from '../value.ts';

type Int = number | bigint;

const NANOS_PER_SECOND = 1_000_000_000n;

function identity(value: Value): Value {
  return value;
}

function overflow(what: 'int' | 'uint'): EvaluationError {
  return new EvaluationError(what === 'int' ? 'integer overflow' : 'unsigned integer overflow');
}

function conversionError(from: string, to: string): EvaluationError {
  return new EvaluationError(`type conversion error from '${from}' to '${to}'`);
}

const TRUE_TEXTS = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE_TEXTS = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

function boolOfText(text: string): Value {
  if (TRUE_TEXTS.has(text)) {
    return true;
  }
  return FALSE_TEXTS.has(text) ? false : conversionError('string', 'bool');
}

/** Decimal digits with a sign, as in a Go number; no blanks, no exponents. */
function intOfText(text: string): Value {
  if (!/^[+-]?\d+$/.test(text)) {
    return conversionError('string', 'int');
  }
  const value = BigInt(text.replace(/^\+/, ''));
  return fitsInt(value) ? intOf(value) : conversionError('string', 'int');
}

function uintOfText(text: string): Value {
  const value = /^\d+$/.test(text) ? BigInt(text) : UINT_MAX + 1n;
  return value <= UINT_MAX ? new Uint(value) : conversionError('string', 'uint');
}

function doubleOfText(text: string): Value {
  const special = /^([+-]?)(?:inf|infinity)$/i.exec(text);
  if (special !== null) {
    return new Double(special[1] === '-' ? -Infinity : Infinity);
  }
  if (/^nan$/i.test(text)) {
    return new Double(Number.NaN);
  }
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)
    ? new Double(Number(text))
    : conversionError('string', 'double');
}

function intOfDouble({ value }: Double): Value {
  // 2^63 itself is a double but no int64; the lower bound is left out too, as upstream does.
  return value > -(2 ** 63) && value < 2 ** 63 ? intOf(BigInt(Math.trunc(value))) : overflow('int');
}

function uintOfDouble({ value }: Double): Value {
  return value >= 0 && value < 2 ** 64 ? new Uint(BigInt(Math.trunc(value))) : overflow('uint');
}

/** A double as text: shortest digits, with an exponent where the number is very large or small. */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  }
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e21)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e');
    const sign = exponent.startsWith('-') ? '-' : '+';
    return `${digits}e${sign}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

function textOfBytes(bytes: Uint8Array): Value {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new EvaluationError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

function timestampOfInt(seconds: Int): Value {
  return seconds >= TIMESTAMP_SECONDS_MIN && seconds <= TIMESTAMP_SECONDS_MAX
    ? new Timestamp(Number(seconds), 0)
    : new EvaluationError('timestamp overflow');
}

const TO_NUMBERS = [
  declare('int64_to_int64', 'int(int): int', identity),
  declare('double_to_int64', 'int(double): int', intOfDouble),
  declare('duration_to_int64', 'int(duration): int', ({ nanos }: Duration) => intOf(nanos)),
  declare('string_to_int64', 'int(string): int', intOfText),
  declare('timestamp_to_int64', 'int(timestamp): int', ({ seconds }: Timestamp) => seconds),
  declare('uint64_to_int64', 'int(uint): int', ({ value }: Uint) =>
    fitsInt(value) ? intOf(value) : overflow('int'),
  ),
  declare('uint64_to_uint64', 'uint(uint): uint', identity),
  declare('double_to_uint64', 'uint(double): uint', uintOfDouble),
  declare('int64_to_uint64', 'uint(int): uint', (value: Int) =>
    value < 0 ? overflow('uint') : new Uint(BigInt(value)),
  ),
  declare('string_to_uint64', 'uint(string): uint', uintOfText),
  declare('double_to_double', 'double(double): double', identity),
  declare('int64_to_double', 'double(int): double', (value: Int) => new Double(Number(value))),
  declare('string_to_double', 'double(string): double', doubleOfText),
  declare('uint64_to_double', 'double(uint): double', ({ value }: Uint) => new Double(Number(value))),
];

const TO_TEXT = [
  declare('string_to_string', 'string(string): string', identity),
  declare('bool_to_string', 'string(bool): string', (value: boolean) => String(value)),
  declare('bytes_to_string', 'string(bytes): string', textOfBytes),
  declare('double_to_string', 'string(double): string', ({ value }: Double) => formatDouble(value)),
  declare('duration_to_string', 'string(duration): string', DurationText.format),
  declare('int64_to_string', 'string(int): string', (value: Int) => String(value)),
  declare('timestamp_to_string', 'string(timestamp): string', TimestampText.format),
  declare('uint64_to_string', 'string(uint): string', ({ value }: Uint) => String(value)),
];

const TO_OTHERS = [
  declare('type', 'type(A): type(A)', (value: Value) => new TypeValue(typeOfValue(value))),
  declare('to_dyn', 'dyn(A): dyn', identity),
  declare('bool_to_bool', 'bool(bool): bool', identity),
  declare('string_to_bool', 'bool(string): bool', boolOfText),
  declare('bytes_to_bytes', 'bytes(bytes): bytes', identity),
  declare('string_to_bytes', 'bytes(string): bytes', (text: string) => new Uint8Array(Buffer.from(text))),
  declare('duration_to_duration', 'duration(duration): duration', identity),
  declare('string_to_duration', 'duration(string): duration', DurationText.parse),
  declare('timestamp_to_timestamp', 'timestamp(timestamp): timestamp', identity),
  declare('int64_to_timestamp', 'timestamp(int): timestamp', timestampOfInt),
  declare('string_to_timestamp', 'timestamp(string): timestamp', TimestampText.parse),
];

type Sized = ListValue | MapValue;

const SIZES = [
  declare('size_bytes', 'size(bytes): int', (bytes: Uint8Array) => bytes.length),
  method('bytes_size', 'size(bytes): int', (bytes: Uint8Array) => bytes.length),
  declare('size_list', 'size(list(A)): int', (list: Sized) => list.size),
  method('list_size', 'size(list(A)): int', (list: Sized) => list.size),
  declare('size_map', 'size(map(A, B)): int', (map: Sized) => map.size),
  method('map_size', 'size(map(A, B)): int', (map: Sized) => map.size),
  declare('size_string', 'size(string): int', codePointLength),
  method('string_size', 'size(string): int', codePointLength),
];

function part(unitNanos: bigint): ({ nanos }: Duration) => number | bigint {
  return ({ nanos }) => intOf(nanos / unitNanos);
}

/** A duration in whole units; milliseconds are those within the second. */
const DURATION_PARTS = [
  method('duration_to_hours', 'getHours(duration): int', part(3_600n * NANOS_PER_SECOND)),
  method('duration_to_minutes', 'getMinutes(duration): int', part(60n * NANOS_PER_SECOND)),
  method('duration_to_seconds', 'getSeconds(duration): int', part(NANOS_PER_SECOND)),
  method('duration_to_milliseconds', 'getMilliseconds(duration): int', part(1_000_000n)),
];

/** Conversions between types, sizes, and durations' parts. */
export const CONVERSIONS: Library = {
  overloads: [...TO_NUMBERS, ...TO_TEXT, ...TO_OTHERS, ...SIZES, ...DURATION_PARTS],
};
