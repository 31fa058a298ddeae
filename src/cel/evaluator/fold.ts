import { ACCUMULATOR } from '../ast.ts';
import type { ComprehensionExpr, Expr } from '../ast.ts';
import { EntryMap, EvaluationError, ListValue, MapValue, isError, mapKey } from '../value.ts';
import type { Value } from '../value.ts';
import { keyText } from './access.ts';
import type { Frame, Step } from './frame.ts';
import type { Planner } from './plan.ts';

/** Reading the accumulator and one call, which the grown collection's step would have cost. */
const GROW_COST = 2;
const LIST_COST = 10;

/** Compiles a comprehension. Those that only grow a list or map do it in place, so that they are linear. */
export function planFold(expr: ComprehensionExpr, planner: Planner): Step {
  const range = planner.plan(expr.range);
  const init = planner.plan(expr.accuInit);
  const names = expr.variable2 === undefined ? [expr.variable] : [expr.variable, expr.variable2];
  return planner.withLocals([expr.accu, ...names], (accu) => {
    if (isBinding(expr)) {
      return planBinding(init, planner.plan(expr.result), accu);
    }
    const grow = planGrowth(expr, planner);
    const parts: FoldParts = { range, init, accu, hasTwo: expr.variable2 !== undefined };
    const result = planner.plan(expr.result);
    if (grow !== undefined) {
      return planGrowing(parts, grow, result);
    }
    return planGeneral(parts, planner.plan(expr.condition), planner.plan(expr.step), result);
  });
}

interface FoldParts {
  readonly range: Step;
  readonly init: Step;
  /** Slot of the accumulator; the variables follow it. */
  readonly accu: number;
  readonly hasTwo: boolean;
}

function isBinding({ range, condition, accu }: ComprehensionExpr): boolean {
  return (
    range.kind === 'list' &&
    range.elements.length === 0 &&
    condition.kind === 'literal' &&
    condition.value === false &&
    accu !== ACCUMULATOR
  );
}

/** `cel.bind`: a failing value only matters where it is used. */
function planBinding(init: Step, result: Step, slot: number): Step {
  return (frame) => {
    frame.locals[slot] = init(frame);
    return result(frame);
  };
}

/** Calls `visit` with the variables set, until it says to stop or there are no more elements. */
function iterate(
  frame: Frame,
  parts: FoldParts,
  range: Value,
  visit: () => boolean,
): EvaluationError | undefined {
  const { accu, hasTwo } = parts;
  if (range instanceof ListValue) {
    for (let index = 0; index < range.size; index++) {
      frame.locals[accu + 1] = hasTwo ? index : range.at(index);
      if (hasTwo) {
        frame.locals[accu + 2] = range.at(index);
      }
      if (!visit()) {
        break;
      }
    }
    return undefined;
  }
  if (range instanceof MapValue) {
    for (const key of range.keys()) {
      frame.locals[accu + 1] = key;
      if (hasTwo) {
        frame.locals[accu + 2] = range.get(key) ?? null;
      }
      if (!visit()) {
        break;
      }
    }
    return undefined;
  }
  return isError(range) ? range : new EvaluationError('no such overload');
}

function planGeneral(parts: FoldParts, condition: Step, step: Step, result: Step): Step {
  const { accu } = parts;
  return (frame) => {
    const range = parts.range(frame);
    frame.locals[accu] = parts.init(frame);
    const problem = iterate(frame, parts, range, () => {
      if (condition(frame) !== true) {
        return false;
      }
      frame.locals[accu] = step(frame);
      return true;
    });
    return problem ?? result(frame);
  };
}

/** Adds what one element brings to the collection, or says why it cannot. */
type Grow = (frame: Frame, list: Value[], map: EntryMap) => EvaluationError | undefined;

function planGrowing(parts: FoldParts, grow: Grow, result: Step): Step {
  const { accu } = parts;
  return (frame) => {
    const range = parts.range(frame);
    const isMap = parts.init(frame) instanceof MapValue;
    const list: Value[] = [];
    const map = new EntryMap();
    let failed: EvaluationError | undefined;
    const problem = iterate(frame, parts, range, () => {
      failed = grow(frame, list, map);
      return failed === undefined;
    });
    if (problem !== undefined || failed !== undefined) {
      return problem ?? failed ?? null;
    }
    frame.locals[accu] = isMap ? map : ListValue.of(list);
    return result(frame);
  };
}

/** The growth of `accu + [x]`, `cel.@mapInsert(accu, …)` or either under a filter; undefined for other steps. */
function planGrowth(expr: ComprehensionExpr, planner: Planner): Grow | undefined {
  const isAlways = expr.condition.kind === 'literal' && expr.condition.value === true;
  if (!isAlways || expr.accu !== ACCUMULATOR) {
    return undefined;
  }
  const { step } = expr;
  const [filter, then] = step.kind === 'call' && step.name === '_?_:_' ? step.args : [];
  const added = planAddition(then ?? step, planner);
  if (added === undefined || filter === undefined) {
    return added;
  }
  const keep = planner.plan(filter);
  return (frame, list, map) => {
    const kept = keep(frame);
    if (kept === true) {
      return added(frame, list, map);
    }
    if (kept !== false) {
      return isError(kept) ? kept : new EvaluationError('no such overload');
    }
    return undefined;
  };
}

function planAddition(step: Expr, planner: Planner): Grow | undefined {
  if (step.kind !== 'call') {
    return undefined;
  }
  const [, first, second] = step.args;
  const [element] = first?.kind === 'list' ? first.elements : [];
  if (step.name === '_+_' && element !== undefined) {
    const value = planner.plan(element.value);
    return (frame, list) => {
      const added = value(frame);
      if (isError(added)) {
        return added;
      }
      frame.charge(GROW_COST + LIST_COST);
      list.push(added);
      return undefined;
    };
  }
  if (step.name !== 'cel.@mapInsert' || first === undefined) {
    return undefined;
  }
  return second === undefined
    ? planEntries(planner.plan(first))
    : planEntry(planner.plan(first), planner.plan(second));
}

function planEntry(key: Step, value: Step): Grow {
  return (frame, _list, map) => {
    const k = key(frame);
    const v = isError(k) ? k : value(frame);
    if (isError(v)) {
      return v;
    }
    frame.charge(GROW_COST);
    return insert(map, k, v);
  };
}

function planEntries(entries: Step): Grow {
  return (frame, _list, map) => {
    const added = entries(frame);
    if (!(added instanceof MapValue)) {
      return isError(added) ? added : new EvaluationError('no such overload');
    }
    frame.charge(GROW_COST);
    for (const key of added.keys()) {
      const problem = insert(map, key, added.get(key) ?? null);
      if (problem !== undefined) {
        return problem;
      }
    }
    return undefined;
  };
}

function insert(map: EntryMap, key: Value, value: Value): EvaluationError | undefined {
  if (mapKey(key) === undefined) {
    return new EvaluationError(`unsupported key type: ${keyText(key)}`);
  }
  if (map.has(key)) {
    return new EvaluationError(`insert failed: key ${keyText(key)} already exists`);
  }
  map.set(key, value);
  return undefined;
}
