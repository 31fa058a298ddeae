import { compareText } from '../equality.ts';
import { DurationText, TimestampText } from '../time-text.ts';
import {
  Double,
  Duration,
  EvaluationError,
  ListValue,
  MapValue,
  Timestamp,
  TypeValue,
  Uint,
  isInt,
  typeOfValue,
} from '../value.ts';
import type { Value } from '../value.ts';
import { formatDouble } from './conversions.ts';

/** Decimals of `%f` and `%e` when none are given. */
const PRECISION_DEFAULT = 6;
/** More decimals than a double has would only make long strings. */
const PRECISION_MAX = 100;

/** `"%s is %.2f".format([a, b])` */
export function formatString(template: string, args: ListValue): Value {
  const parts: string[] = [];
  let used = 0;
  let at = 0;
  while (at < template.length) {
    const percent = template.indexOf('%', at);
    if (percent === -1) {
      break;
    }
    parts.push(template.slice(at, percent));
    if (template[percent + 1] === '%') {
      parts.push('%');
      at = percent + 2;
      continue;
    }
    const clause = /^%(?:\.(\d+))?(.?)/su.exec(template.slice(percent, percent + 12));
    const letter = clause?.[2] ?? '';
    if (clause === null || letter === '') {
      return new EvaluationError('unexpected end of string');
    }
    if (used >= args.size) {
      return new EvaluationError(`index ${used} out of range`);
    }
    const precision = clause[1] === undefined ? undefined : Number(clause[1]);
    if (precision !== undefined && precision > PRECISION_MAX) {
      return new EvaluationError(`precision ${precision} exceeds maximum allowed precision ${PRECISION_MAX}`);
    }
    const text = formatClause(letter, args.at(used++), precision);
    if (text instanceof EvaluationError) {
      return text;
    }
    parts.push(text);
    at = percent + clause[0].length;
  }
  return parts.join('') + template.slice(at);
}

function formatClause(letter: string, value: Value, precision: number | undefined): string | EvaluationError {
  switch (letter) {
    case 's':
      return textOf(value);
    case 'd':
      return decimal(value);
    case 'f':
      return fixed(value, precision ?? PRECISION_DEFAULT, false);
    case 'e':
      return fixed(value, precision ?? PRECISION_DEFAULT, true);
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : radix(value, 2, letter);
    case 'o':
      return radix(value, 8, letter);
    case 'x':
    case 'X': {
      const text = hexadecimal(value);
      return typeof text === 'string' && letter === 'X' ? text.toUpperCase() : text;
    }
    default:
      return new EvaluationError(
        `could not parse formatting clause: unrecognized formatting clause "${letter}"`,
      );
  }
}

function wrongType(clause: string, kinds: string, value: Value): EvaluationError {
  return new EvaluationError(
    `error during formatting: ${clause} clause can only be used on ${kinds}, was given ${typeOfValue(value).name}`,
  );
}

function decimal(value: Value): string | EvaluationError {
  if (isInt(value)) {
    return String(value);
  }
  if (value instanceof Uint) {
    return String(value.value);
  }
  if (value instanceof Double && !Number.isFinite(value.value)) {
    return specialDouble(value.value);
  }
  return wrongType('decimal', 'integers', value);
}

function specialDouble(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function fixed(value: Value, precision: number, isScientific: boolean): string | EvaluationError {
  const number = value instanceof Double ? value.value : isInt(value) ? Number(value) : undefined;
  if (number === undefined) {
    return wrongType(isScientific ? 'scientific' : 'fixed-point', 'doubles', value);
  }
  if (!Number.isFinite(number)) {
    return specialDouble(number);
  }
  if (!isScientific) {
    return number.toFixed(precision);
  }
  const [digits = '', exponent = ''] = number.toExponential(precision).split('e');
  const power = exponent.replace(/^[+-]/, '').padStart(2, '0');
  const raised = Array.from(power, (digit) => SUPERSCRIPTS[Number(digit)] ?? '').join('');
  return `${digits}×10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

/** Upstream writes powers of ten as people do. */
const SUPERSCRIPTS = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

function radix(value: Value, base: number, letter: string): string | EvaluationError {
  if (isInt(value)) {
    return value.toString(base);
  }
  if (value instanceof Uint) {
    return value.value.toString(base);
  }
  return letter === 'b'
    ? new EvaluationError(
        `error during formatting: only integers and bools can be formatted as binary, was given ${typeOfValue(value).name}`,
      )
    : wrongType('octal', 'integers', value);
}

function hexadecimal(value: Value): string | EvaluationError {
  if (typeof value === 'string') {
    return Buffer.from(value).toString('hex');
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('hex');
  }
  if (isInt(value)) {
    return value.toString(16);
  }
  if (value instanceof Uint) {
    return value.value.toString(16);
  }
  return new EvaluationError(
    `error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given ${typeOfValue(value).name}`,
  );
}

/** Any value as `%s` shows it. */
function textOf(value: Value): string | EvaluationError {
  if (value === null) {
    return 'null';
  }
  if (typeof value !== 'object') {
    return String(value);
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('utf8');
  }
  if (value instanceof Uint) {
    return String(value.value);
  }
  if (value instanceof Double) {
    return Number.isFinite(value.value) ? formatDouble(value.value) : specialDouble(value.value);
  }
  if (value instanceof TypeValue) {
    return value.named.name;
  }
  if (value instanceof Timestamp) {
    return TimestampText.format(value);
  }
  if (value instanceof Duration) {
    return DurationText.format(value);
  }
  if (value instanceof ListValue) {
    return joined(value.toArray().map(textOf), '[', ']');
  }
  if (value instanceof MapValue) {
    return textOfMap(value);
  }
  return new EvaluationError(
    `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeOfValue(value).name}`,
  );
}

function textOfMap(map: MapValue): string | EvaluationError {
  const entries = map.keys().map((key) => [textOf(key), textOf(map.get(key) ?? null)] as const);
  const texts: [string, string][] = [];
  for (const [key, value] of entries) {
    if (typeof key !== 'string') {
      return key;
    }
    if (typeof value !== 'string') {
      return value;
    }
    texts.push([key, value]);
  }
  return joined(
    texts.sort(([a], [b]) => compareText(a, b)).map(([key, value]) => `${key}: ${value}`),
    '{',
    '}',
  );
}

function joined(
  parts: readonly (string | EvaluationError)[],
  open: string,
  close: string,
): string | EvaluationError {
  const texts: string[] = [];
  for (const part of parts) {
    if (part instanceof EvaluationError) {
      return part;
    }
    texts.push(part);
  }
  return `${open}${texts.join(', ')}${close}`;
}
