import { assert } from '#base/assert.ts';

/** How a quantity was written, which decides how it is written again. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/**
 * An exact amount of a resource. Nothing finer than a billionth exists (finer amounts are rounded up,
 * away from zero), so one whole number holds any quantity.
 */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** The text is not a quantity. The message is the sentence that clients know. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
  readonly code = 'QUANTITY_SYNTAX';
}

const NANOS = 1_000_000_000n;
const MILLI_NANOS = 1_000_000n;
/** Amounts in binary units stop at what 64 bits hold. */
const BINARY_MAX = (2n ** 63n - 1n) * NANOS;
/** Keeps `1e999999999` from filling the memory with digits. */
const EXPONENT_MAX = 1000;

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const DECIMAL_SUFFIXES: ReadonlyMap<number, string> = new Map(
  Object.entries(DECIMAL_EXPONENTS).map(([suffix, exponent]) => [exponent, suffix]),
);
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;

const SYNTAX = /^([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eE][-+]?[0-9]+)|[numkMGTPE]|[KMGTPE]i|)$/;
const SYNTAX_TEXT =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** @throws {QuantityError} when the text is not a quantity */
export function parseQuantity(text: string): Quantity {
  const match = SYNTAX.exec(text);
  if (match === null || text === '' || !/[0-9]/.test(`${match[2]}${match[3] ?? ''}`)) {
    throw new QuantityError(
      /^[+-]?[0-9.]+[eEinumkKMGTP]+[-+]?[0-9]*$/.test(text) ? SUFFIX_TEXT : SYNTAX_TEXT,
    );
  }
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  const digits = BigInt(`${whole}${fraction}`);
  const { nanos, format } = scaled(digits, fraction.length, suffix);
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

const SUFFIX_TEXT = "unable to parse quantity's suffix";

function scaled(digits: bigint, places: number, suffix: string): Quantity {
  if (suffix.endsWith('i')) {
    const power = BINARY_SUFFIXES.indexOf(suffix as (typeof BINARY_SUFFIXES)[number]);
    const nanos = divideUp(digits * 1024n ** BigInt(power) * NANOS, 10n ** BigInt(places));
    const capped = nanos > BINARY_MAX ? BINARY_MAX : nanos;
    return { nanos: capped, format: capped > 0n && capped < NANOS ? 'DecimalSI' : 'BinarySI' };
  }
  const named = DECIMAL_EXPONENTS[suffix];
  const exponent = named ?? Number(suffix.slice(1));
  const format = named === undefined ? 'DecimalExponent' : 'DecimalSI';
  const shift = exponent - places + 9;
  if (Math.abs(exponent) > EXPONENT_MAX) {
    throw new QuantityError(SUFFIX_TEXT);
  }
  return {
    nanos: shift >= 0 ? digits * 10n ** BigInt(shift) : divideUp(digits, 10n ** BigInt(-shift)),
    format,
  };
}

/** Division of numbers that are not negative, rounded up. */
function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** The canonical text: no fraction, the largest suffix that keeps every digit. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) {
    return '0';
  }
  const magnitude = nanos < 0n ? -nanos : nanos;
  if (format === 'BinarySI' && magnitude >= 1024n * NANOS && magnitude % NANOS === 0n) {
    return binaryText(nanos / NANOS);
  }
  return decimalText(nanos, format === 'DecimalExponent' ? 'DecimalExponent' : 'DecimalSI');
}

function binaryText(value: bigint): string {
  let power = 0;
  let rest = value;
  while (power < BINARY_SUFFIXES.length - 1 && rest % 1024n === 0n) {
    rest /= 1024n;
    power += 1;
  }
  return `${rest}${BINARY_SUFFIXES[power]}`;
}

function decimalText(nanos: bigint, format: 'DecimalSI' | 'DecimalExponent'): string {
  let exponent = -9;
  let rest = nanos;
  const exponentMax = format === 'DecimalSI' ? 18 : EXPONENT_MAX;
  while (exponent < exponentMax && rest % 1000n === 0n) {
    rest /= 1000n;
    exponent += 3;
  }
  if (format === 'DecimalExponent') {
    return exponent === 0 ? `${rest}` : `${rest}e${exponent}`;
  }
  return `${rest}${DECIMAL_SUFFIXES.get(exponent)}`;
}

/** Plain amounts that are canonical as they stand: no leading zero, and no three zeros to fold into a suffix. */
const CANONICAL = /^(?:0|[1-9][0-9]{0,14}(?<!000)(?:[numkMGTP]?|[EPTGMK]i(?<![02468][EPTGMK]i)))$/;

/** Canonical forms of texts seen before; a cluster uses few distinct quantities. */
const canonicalTexts = new Map<string, string>();
const CANONICAL_TEXTS_MAX = 4096;

/**
 * The canonical form of a quantity in text, as the server stores and shows it.
 *
 * @throws {QuantityError} when the text is not a quantity
 */
export function canonicalQuantity(text: string): string {
  if (CANONICAL.test(text)) {
    return text;
  }
  const known = canonicalTexts.get(text);
  if (known !== undefined) {
    return known;
  }
  const canonical = formatQuantity(parseQuantity(text));
  if (canonicalTexts.size >= CANONICAL_TEXTS_MAX) {
    canonicalTexts.clear();
  }
  canonicalTexts.set(text, canonical);
  return canonical;
}

/** Whole units as a quantity: `quantityOf(3n)` is `3`. */
export function quantityOf(units: bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nanos: units * NANOS, format };
}

/** `quantityOfMillis(250n)` is `250m`. */
export function quantityOfMillis(millis: bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nanos: millis * MILLI_NANOS, format };
}

/** The sum keeps the left side's form, unless the left side is zero. */
export function addQuantities(left: Quantity, right: Quantity): Quantity {
  return { nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

export function subtractQuantities(left: Quantity, right: Quantity): Quantity {
  return { nanos: left.nanos - right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

/** Negative, zero or positive, as for `sort`. */
export function compareQuantities(left: Quantity, right: Quantity): number {
  return left.nanos < right.nanos ? -1 : left.nanos > right.nanos ? 1 : 0;
}

/** Thousandths, rounded away from zero: CPU in millicores. Exact up to 2^53. */
export function quantityToMillis(quantity: Quantity | string): number {
  return toUnits(quantity, MILLI_NANOS);
}

/** Whole units, rounded away from zero: bytes, counts. Exact up to 2^53. */
export function quantityToNumber(quantity: Quantity | string): number {
  return toUnits(quantity, NANOS);
}

function toUnits(quantity: Quantity | string, unit: bigint): number {
  const { nanos } = typeof quantity === 'string' ? parseQuantity(quantity) : quantity;
  assert(unit > 0n, 'a unit is positive');
  return Number(nanos < 0n ? -divideUp(-nanos, unit) : divideUp(nanos, unit));
}
