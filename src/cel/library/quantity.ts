import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { structType } from '../types.ts';
import { Double, EvaluationError, OpaqueValue, fitsInt, intOf } from '../value.ts';
import type { Value } from '../value.ts';

/** An amount as an exact fraction: `units / 10^scale`. */
export interface QuantityAmount {
  readonly units: bigint;
  readonly scale: number;
}

/** What the library needs of quantities; the layer that owns their text gives it. */
export interface QuantityOps {
  /** The amount a text such as `1.5Gi` means, or what is wrong with it. */
  parse(text: string): QuantityAmount | { readonly error: string };
}

export const QUANTITY_TYPE = structType('kubernetes.Quantity');

export class QuantityValue extends OpaqueValue {
  readonly type = QUANTITY_TYPE;
  readonly amount: QuantityAmount;

  constructor(amount: QuantityAmount) {
    super();
    this.amount = amount;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && compare(this, other) === 0;
  }
}

function aligned(a: QuantityAmount, b: QuantityAmount): readonly [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale), scale];
}

function compare(a: QuantityValue, b: QuantityValue): number {
  const [left, right] = aligned(a.amount, b.amount);
  return left < right ? -1 : left > right ? 1 : 0;
}

function add(a: QuantityValue, b: QuantityValue): QuantityValue {
  const [left, right, scale] = aligned(a.amount, b.amount);
  return new QuantityValue({ units: left + right, scale });
}

function negated({ amount }: QuantityValue): QuantityValue {
  return new QuantityValue({ units: -amount.units, scale: amount.scale });
}

function ofInt(value: number | bigint): QuantityValue {
  return new QuantityValue({ units: BigInt(value), scale: 0 });
}

/** The whole number an amount is, if it is one and fits. */
function wholeOf({ units, scale }: QuantityAmount): bigint | undefined {
  const divisor = 10n ** BigInt(Math.max(0, scale));
  const whole = units / divisor;
  return units % divisor === 0n && fitsInt(whole) ? whole : undefined;
}

function asInteger({ amount }: QuantityValue): Value {
  const whole = wholeOf(amount);
  return whole === undefined ? new EvaluationError('cannot convert value to integer') : intOf(whole);
}

function asFloat({ amount }: QuantityValue): Double {
  // Through text, as the units may be past what a double holds exactly.
  return new Double(Number(`${amount.units}e${-amount.scale}`));
}

/** `quantity('1Gi')` and what can be asked of it. */
export function quantityLibrary(ops: QuantityOps): Library {
  const parse = (text: string): Value => {
    const amount = ops.parse(text);
    return 'error' in amount ? new EvaluationError(amount.error) : new QuantityValue(amount);
  };
  const quantity = 'kubernetes.Quantity';
  return {
    types: [QUANTITY_TYPE],
    overloads: [
      declare('string_to_quantity', `quantity(string): ${quantity}`, parse),
      declare(
        'is_quantity_string',
        'isQuantity(string): bool',
        (text: string) => !('error' in ops.parse(text)),
      ),
      declare('quantity_sign', `sign(${quantity}): int`, ({ amount: { units } }: QuantityValue) =>
        units > 0n ? 1 : units < 0n ? -1 : 0,
      ),
      method(
        'quantity_is_greater_than',
        `isGreaterThan(${quantity}, ${quantity}): bool`,
        (a: QuantityValue, b: QuantityValue) => compare(a, b) > 0,
      ),
      method(
        'quantity_is_less_than',
        `isLessThan(${quantity}, ${quantity}): bool`,
        (a: QuantityValue, b: QuantityValue) => compare(a, b) < 0,
      ),
      method('quantity_compare_to', `compareTo(${quantity}, ${quantity}): int`, compare),
      method('quantity_get_float', `asApproximateFloat(${quantity}): double`, asFloat),
      method('quantity_get_int', `asInteger(${quantity}): int`, asInteger),
      method(
        'quantity_is_integer',
        `isInteger(${quantity}): bool`,
        ({ amount }: QuantityValue) => wholeOf(amount) !== undefined,
      ),
      method('quantity_add', `add(${quantity}, ${quantity}): ${quantity}`, add),
      method(
        'quantity_add_int',
        `add(${quantity}, int): ${quantity}`,
        (a: QuantityValue, b: number | bigint) => add(a, ofInt(b)),
      ),
      method(
        'quantity_sub',
        `sub(${quantity}, ${quantity}): ${quantity}`,
        (a: QuantityValue, b: QuantityValue) => add(a, negated(b)),
      ),
      method(
        'quantity_sub_int',
        `sub(${quantity}, int): ${quantity}`,
        (a: QuantityValue, b: number | bigint) => add(a, ofInt(-BigInt(b))),
      ),
    ],
  };
}
