import { callCostOf } from '../call-cost.ts';
import type { CallCost } from '../call-cost.ts';
import type { Overload, OverloadBody } from '../declarations.ts';
import type { Type } from '../types.ts';
import { isError, isInstance, noSuchOverload } from '../value.ts';
import type { Value } from '../value.ts';
import type { Frame, Step } from './frame.ts';

/**
 * A call of whichever overload fits the arguments. Where the checker left one and knew all types, there is
 * nothing to find out at run time.
 */
export function planDispatch(
  overloads: readonly Overload[],
  steps: readonly Step[],
  types: readonly (Type | undefined)[],
): Step {
  const [only] = overloads;
  if (
    only !== undefined &&
    overloads.length === 1 &&
    types.every((type) => type !== undefined && type.kind !== 'dyn')
  ) {
    return planDirect(only, steps);
  }
  const candidates = overloads.map((overload) => ({ overload, cost: callCostOf(overload) }));
  return (frame) => {
    const args = evaluateAll(steps, frame);
    if (!Array.isArray(args)) {
      return args;
    }
    for (const { overload, cost } of candidates) {
      if (overload.parameters.every((type, index) => isInstance(args[index] ?? null, type))) {
        return run(overload.body, cost, args, frame);
      }
    }
    return noSuchOverload();
  };
}

/** The arguments' values, or the first that failed. */
function evaluateAll(steps: readonly Step[], frame: Frame): Value[] | Exclude<Value, null> {
  const args: Value[] = [];
  for (const step of steps) {
    const value = step(frame);
    if (isError(value)) {
      return value;
    }
    args.push(value);
  }
  return args;
}

/** Calls a body. What does not depend on the result is paid first, so that work beyond the budget is not begun. */
function run(body: OverloadBody, cost: CallCost, args: readonly Value[], frame: Frame): Value {
  if (typeof cost === 'number' || cost.length < 2) {
    frame.charge(typeof cost === 'number' ? cost : cost(args, null));
    return body(...args);
  }
  const result = body(...args);
  frame.charge(cost(args, result));
  return result;
}

function planDirect(overload: Overload, steps: readonly Step[]): Step {
  const { body } = overload;
  const cost = callCostOf(overload);
  const [first, second] = steps;
  if (typeof cost === 'number' && first !== undefined && second !== undefined && steps.length === 2) {
    return (frame) => {
      const left = first(frame);
      if (isError(left)) {
        return left;
      }
      const right = second(frame);
      if (isError(right)) {
        return right;
      }
      frame.charge(cost);
      return body(left, right);
    };
  }
  return (frame) => {
    const args = evaluateAll(steps, frame);
    if (!Array.isArray(args)) {
      return args;
    }
    return run(body, cost, args, frame);
  };
}
