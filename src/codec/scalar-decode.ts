import { QuantityError, canonicalQuantity } from '#api/quantity.ts';
import type { Scalar } from '#api/schema/schema.ts';
import { canonicalMicroTime, canonicalTime, formatDurationNanos, parseDurationNanos } from '#api/time.ts';
import { unreachable } from '#base/assert.ts';
import { DecodeError } from './decode-error.ts';

/** Makes the error for a value of the wrong type, from the name of the type that was expected. */
type Refuse = (goType: string) => DecodeError;

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/**
 * The normal form of a value that is not null, for a field of this type. Undefined stands for the zero value of
 * a type whose zero is never written (times).
 */
export function decodeScalar(value: unknown, scalar: Scalar, refuse: Refuse): unknown {
  switch (scalar) {
    case 'string':
      if (typeof value !== 'string') {
        throw refuse('string');
      }
      return value;
    case 'bool':
      if (typeof value !== 'boolean') {
        throw refuse('bool');
      }
      return value;
    case 'int32':
    case 'int64':
      return decodeInteger(value, scalar, refuse);
    case 'float64':
      if ((typeof value !== 'number' && typeof value !== 'bigint') || !Number.isFinite(Number(value))) {
        throw refuse('float64');
      }
      return Number(value);
    case 'intOrString':
      return typeof value === 'string' ? value : decodeInteger(value, 'int32', refuse);
    case 'bytes':
      return decodeBytes(value, refuse);
    case 'quantity':
      return decodeQuantity(value);
    case 'time':
      return decodeTime(value, canonicalTime, '2006-01-02T15:04:05Z07:00', refuse);
    case 'microTime':
      return decodeTime(value, canonicalMicroTime, '2006-01-02T15:04:05.000000Z07:00', refuse);
    case 'duration':
      return decodeDuration(value, refuse);
    case 'rawExtension':
    case 'fieldsV1':
    case 'json':
      return value;
    default:
      return unreachable(scalar);
  }
}

/** The zero value as it is written where it is written at all; undefined where it never is. */
export function zeroScalar(scalar: Scalar): unknown {
  switch (scalar) {
    case 'string':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'float64':
    case 'intOrString':
      return 0;
    case 'quantity':
      return '0';
    case 'duration':
      return '0s';
    default:
      return undefined;
  }
}

/** Whether an optional field of this type is left out when it has this value. */
export function isZeroScalar(value: unknown, scalar: Scalar): boolean {
  switch (scalar) {
    // These are structs to Go, which never leaves a struct out.
    case 'quantity':
    case 'intOrString':
    case 'duration':
    case 'rawExtension':
    case 'fieldsV1':
    case 'json':
      return false;
    default:
      return value === '' || value === 0 || value === false;
  }
}

/**
 * Integers beyond 2^53 are refused, not rounded: every consumer may then take a field for an ordinary number, and no field
 * of the API has a use for larger ones.
 */
function decodeInteger(value: unknown, scalar: 'int32' | 'int64', refuse: Refuse): number {
  if (typeof value === 'number' && Number.isInteger(value)) {
    if (scalar === 'int64' || (value <= INT32_MAX && value >= INT32_MIN)) {
      // -0 is a number that JSON can say and Go cannot.
      return value === 0 ? 0 : value;
    }
  }
  const error = refuse(scalar);
  throw typeof value === 'number' || typeof value === 'bigint'
    ? new DecodeError(error.message.replace(' number ', ` number ${value} `))
    : error;
}

function decodeBytes(value: unknown, refuse: Refuse): string {
  if (typeof value !== 'string') {
    throw refuse('[]uint8');
  }
  if (value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    return value;
  }
  const text = value.replaceAll(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/]/.exec(text.replace(/={1,2}$/, ''));
  if (bad !== null || text.length % 4 !== 0) {
    throw new DecodeError(
      `illegal base64 data at input byte ${bad?.index ?? text.length - (text.length % 4)}`,
    );
  }
  return text;
}

function decodeQuantity(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  try {
    return canonicalQuantity(typeof value === 'bigint' ? value.toString() : text);
  } catch (error) {
    throw error instanceof QuantityError ? new DecodeError(error.message, { cause: error }) : error;
  }
}

function decodeTime(
  value: unknown,
  canonical: (text: string) => string | undefined,
  layout: string,
  refuse: Refuse,
): string {
  if (typeof value !== 'string') {
    throw refuse('string');
  }
  const time = canonical(value);
  if (time === undefined) {
    const quoted = JSON.stringify(value);
    throw new DecodeError(`parsing time ${quoted} as "${layout}": cannot parse ${quoted} as "2006"`);
  }
  return time;
}

function decodeDuration(value: unknown, refuse: Refuse): string {
  if (typeof value !== 'string') {
    throw refuse('string');
  }
  const nanos = parseDurationNanos(value);
  if (nanos === undefined) {
    throw new DecodeError(`time: invalid duration ${JSON.stringify(value)}`);
  }
  return formatDurationNanos(nanos);
}
