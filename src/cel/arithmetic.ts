import { EvaluationError, UINT_MAX, Uint, fitsInt, intOf } from './value.ts';

type Int = number | bigint;

const OVERFLOW = 'integer overflow';
const UNSIGNED_OVERFLOW = 'unsigned integer overflow';

/** The exact result of an operation that left the safe range, as long as int64 holds it. */
function checked(value: bigint): Int | EvaluationError {
  return fitsInt(value) ? intOf(value) : new EvaluationError(OVERFLOW);
}

/** Each first tries plain numbers, whose result is exact when it is safe. `+ 0` turns -0 into 0. */
export const intArithmetic = {
  add(a: Int, b: Int): Int | EvaluationError {
    if (typeof a === 'number' && typeof b === 'number') {
      const sum = a + b;
      if (Number.isSafeInteger(sum)) {
        return sum;
      }
    }
    return checked(BigInt(a) + BigInt(b));
  },

  subtract(a: Int, b: Int): Int | EvaluationError {
    if (typeof a === 'number' && typeof b === 'number') {
      const difference = a - b;
      if (Number.isSafeInteger(difference)) {
        return difference;
      }
    }
    return checked(BigInt(a) - BigInt(b));
  },

  multiply(a: Int, b: Int): Int | EvaluationError {
    if (typeof a === 'number' && typeof b === 'number') {
      const product = a * b;
      if (Number.isSafeInteger(product)) {
        return product + 0;
      }
    }
    return checked(BigInt(a) * BigInt(b));
  },

  divide(a: Int, b: Int): Int | EvaluationError {
    if (b === 0) {
      return new EvaluationError('division by zero');
    }
    if (typeof a === 'number' && typeof b === 'number') {
      return Math.trunc(a / b) + 0;
    }
    return checked(BigInt(a) / BigInt(b));
  },

  modulo(a: Int, b: Int): Int | EvaluationError {
    if (b === 0) {
      return new EvaluationError('modulus by zero');
    }
    if (typeof a === 'number' && typeof b === 'number') {
      return (a % b) + 0;
    }
    return checked(BigInt(a) % BigInt(b));
  },

  negate(a: Int): Int | EvaluationError {
    return typeof a === 'number' ? 0 - a : checked(-a);
  },
};

function checkedUint(value: bigint): Uint | EvaluationError {
  return value >= 0n && value <= UINT_MAX ? new Uint(value) : new EvaluationError(UNSIGNED_OVERFLOW);
}

export const uintArithmetic = {
  zero: new Uint(0n),
  add: (a: Uint, b: Uint): Uint | EvaluationError => checkedUint(a.value + b.value),
  subtract: (a: Uint, b: Uint): Uint | EvaluationError => checkedUint(a.value - b.value),
  multiply: (a: Uint, b: Uint): Uint | EvaluationError => checkedUint(a.value * b.value),
  divide: (a: Uint, b: Uint): Uint | EvaluationError =>
    b.value === 0n ? new EvaluationError('division by zero') : new Uint(a.value / b.value),
  modulo: (a: Uint, b: Uint): Uint | EvaluationError =>
    b.value === 0n ? new EvaluationError('modulus by zero') : new Uint(a.value % b.value),
};
