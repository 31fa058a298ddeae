import { OptionalValue, isError, noSuchOverload } from '../value.ts';
import type { Value } from '../value.ts';
import type { Step } from './frame.ts';

/** What neither side could decide: the first error, or that a side was no boolean. */
function undecided(left: Value, right: Value): Value {
  if (isError(left)) {
    return left;
  }
  return isError(right) ? right : noSuchOverload();
}

/** False as soon as one side is false, even when the other one fails. */
export function planAnd(left: Step, right: Step): Step {
  return (frame) => {
    const first = left(frame);
    if (first === false) {
      return false;
    }
    const second = right(frame);
    if (second === false || (first === true && second === true)) {
      return second;
    }
    return undecided(first, second);
  };
}

/** True as soon as one side is true, even when the other one fails. */
export function planOr(left: Step, right: Step): Step {
  return (frame) => {
    const first = left(frame);
    if (first === true) {
      return true;
    }
    const second = right(frame);
    if (second === true || (first === false && second === false)) {
      return second;
    }
    return undecided(first, second);
  };
}

export function planConditional(condition: Step, then: Step, otherwise: Step): Step {
  return (frame) => {
    const decided = condition(frame);
    if (decided === true) {
      return then(frame);
    }
    if (decided === false) {
      return otherwise(frame);
    }
    return isError(decided) ? decided : noSuchOverload();
  };
}

/** Lets a fold go on over errors, which a later element may absorb. */
export function planNotStrictlyFalse(operand: Step): Step {
  return (frame) => {
    const value = operand(frame);
    frame.charge(1);
    return value !== false;
  };
}

/** `x.or(y)` and `x.orValue(y)`: the second is computed only when the first is absent. */
export function planOptionalOr(left: Step, right: Step, isUnwrapped: boolean): Step {
  return (frame) => {
    const optional = left(frame);
    if (!(optional instanceof OptionalValue)) {
      return isError(optional) ? optional : noSuchOverload();
    }
    if (optional.value === undefined) {
      return right(frame);
    }
    return isUnwrapped ? optional.value : optional;
  };
}
