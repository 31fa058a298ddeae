import { ACCUMULATOR } from './ast.ts';
import type { CallExpr, ComprehensionExpr, Expr, SelectExpr } from './ast.ts';
import { codePointLength } from './call-cost.ts';
import type { CheckedExpression } from './checker.ts';
import { ONE, UNKNOWN_SIZE, ZERO, fixed, plus, times, union } from './cost-range.ts';
import type { Range } from './cost-range.ts';
import { estimateCall } from './estimate-call.ts';
import type { Environment } from './environment.ts';
import { sizeAt } from './schema-size.ts';
import { DYN, isOptional, parameterAt } from './types.ts';
import type { Type } from './types.ts';

const LIST_COST = fixed(10);
const MAP_COST = fixed(30);
const STRUCT_COST = fixed(40);

const SCALARS = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

/** What one evaluation may cost at least and at most, given what the schemas say of sizes. */
export function estimateCost(checked: CheckedExpression, environment: Environment): Range {
  return new CostEstimator(checked, environment).cost(checked.parsed.root);
}

/** Sizes of a container's keys or indices and of its values. */
interface EntrySize {
  readonly isList: boolean;
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly name: string;
  readonly path: readonly string[] | undefined;
  readonly size: Range | undefined;
  readonly entries: EntrySize | undefined;
}

/** A node as the estimate of a call sees it. */
export interface SizedNode {
  readonly expr: Expr;
  readonly type: Type;
  readonly size: Range | undefined;
  /** Size of the elements, when the node is a list whose schema tells. */
  readonly elementSize: () => Range;
}

class CostEstimator {
  readonly #checked: CheckedExpression;
  readonly #environment: Environment;
  readonly #paths = new Map<number, readonly string[] | undefined>();
  readonly #sizes = new Map<number, Range>();
  readonly #entries = new Map<number, EntrySize>();
  readonly #costs = new Map<number, Range>();
  readonly #locals: Local[] = [];

  constructor(checked: CheckedExpression, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  cost(expr: Expr): Range {
    // Macros may use a node twice; estimating it once keeps a chain of them from growing exponentially.
    const known = this.#costs.get(expr.id);
    if (known !== undefined) {
      return known;
    }
    const cost = this.#costOf(expr);
    this.#costs.set(expr.id, cost);
    return cost;
  }

  #costOf(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal':
        return ZERO;
      case 'ident':
        this.#paths.set(expr.id, this.#local(expr.name)?.path ?? [expr.name.replace(/^\./, '')]);
        return ONE;
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list': {
        const costs = expr.elements.map(({ value }) => this.cost(value));
        const value = unionOf(expr.elements.map((element) => this.#sizeOrUnknown(element.value)));
        this.#entries.set(expr.id, { isList: true, key: ONE, value });
        return plus(...costs, LIST_COST);
      }
      case 'map': {
        const costs = expr.entries.flatMap(({ key, value }) => [this.cost(key), this.cost(value)]);
        const key = unionOf(expr.entries.map((entry) => this.#sizeOrUnknown(entry.key)));
        const value = unionOf(expr.entries.map((entry) => this.#sizeOrUnknown(entry.value)));
        this.#entries.set(expr.id, { isList: false, key, value });
        return plus(...costs, MAP_COST);
      }
      case 'struct':
        return plus(...expr.fields.map(({ value }) => this.cost(value)), STRUCT_COST);
      case 'comprehension':
        return isBinding(expr) ? this.#binding(expr) : this.#fold(expr);
    }
  }

  #local(name: string): Local | undefined {
    return this.#locals.findLast((local) => local.name === name);
  }

  #type(expr: Expr): Type {
    return this.#checked.types[expr.id] ?? DYN;
  }

  #path(expr: Expr): readonly string[] | undefined {
    const local = expr.kind === 'ident' ? this.#local(expr.name) : undefined;
    return local === undefined ? this.#paths.get(expr.id) : local.path;
  }

  #extend(expr: Expr, step: string): readonly string[] | undefined {
    const path = this.#path(expr);
    return path === undefined ? undefined : [...path, step];
  }

  #select(expr: SelectExpr): Range {
    const reference = this.#checked.references.get(expr.id);
    if (reference !== undefined) {
      this.#paths.set(expr.id, reference.kind === 'variable' ? [reference.name] : undefined);
      return ONE;
    }
    const operand = this.cost(expr.operand);
    if (expr.isTest) {
      return operand;
    }
    this.#paths.set(expr.id, this.#extend(expr.operand, expr.field));
    const { kind } = this.#type(expr.operand);
    return kind === 'map' || kind === 'struct' || kind === 'param' ? plus(operand, ONE) : operand;
  }

  #call(expr: CallExpr): Range {
    const [first, second] = expr.args;
    if (expr.name === 'dyn' && first !== undefined && expr.target === undefined) {
      const cost = this.cost(first);
      this.#copySizes(expr, first);
      return plus(ONE, cost);
    }
    const reference = this.#checked.references.get(expr.id);
    const overloads = reference?.kind === 'function' ? reference.overloads : [];
    const isMethod = expr.target !== undefined && reference?.kind === 'function' && !reference.isNamespaced;
    const argCosts = expr.args.map((arg) => this.cost(arg));
    const args = expr.args.map((arg) => this.#node(arg));
    const targetCost = isMethod && expr.target !== undefined ? this.cost(expr.target) : ZERO;
    const target = isMethod && expr.target !== undefined ? this.#node(expr.target) : undefined;
    if (expr.name === '_?._') {
      return plus(...argCosts, ONE);
    }
    let cost: Range | undefined;
    let size: Range | undefined;
    for (const overload of overloads) {
      const estimate = this.#operator(expr, overload.id, argCosts) ?? estimateCall(overload, target, args);
      const total = estimate.coversArguments === true ? estimate.cost : plus(estimate.cost, ...argCosts);
      cost = cost === undefined ? total : union(cost, total);
      size =
        estimate.size === undefined || size === undefined
          ? (size ?? estimate.size)
          : union(size, estimate.size);
      if ((overload.id === 'index_list' || overload.id === 'index_map') && first !== undefined) {
        size = this.#entriesOf(first)?.value;
        this.#paths.set(expr.id, this.#extend(first, overload.id === 'index_list' ? '@items' : '@values'));
      }
    }
    const known = size ?? this.#size(expr);
    if (known !== undefined) {
      this.#sizes.set(expr.id, known);
    }
    if (expr.name === '_+_' && first !== undefined && second !== undefined) {
      this.#unionEntries(expr, first, second);
    }
    return plus(targetCost, cost ?? ZERO);
  }

  /** Operators that need not evaluate all their operands. */
  #operator(
    expr: CallExpr,
    overload: string,
    [first = ZERO, second = ZERO, third = ZERO]: readonly Range[],
  ): { readonly cost: Range; readonly size?: Range; readonly coversArguments: true } | undefined {
    if (overload === 'logical_and' || overload === 'logical_or') {
      return { cost: { min: first.min, max: plus(first, second).max }, coversArguments: true };
    }
    const [, then, otherwise] = expr.args;
    if (overload !== 'conditional' || then === undefined || otherwise === undefined) {
      return undefined;
    }
    this.#unionEntries(expr, then, otherwise);
    const size = union(this.#sizeOrUnknown(then), this.#sizeOrUnknown(otherwise));
    return { cost: plus(first, union(second, third)), size, coversArguments: true };
  }

  #unionEntries(expr: Expr, a: Expr, b: Expr): void {
    const [left, right] = [this.#entriesOf(a), this.#entriesOf(b)];
    if (left !== undefined && right !== undefined) {
      const merged = {
        isList: left.isList,
        key: union(left.key, right.key),
        value: union(left.value, right.value),
      };
      this.#entries.set(expr.id, merged);
    }
  }

  #node(expr: Expr): SizedNode {
    const type = this.#type(expr);
    return { expr, type, size: this.#size(expr), elementSize: () => this.#elementSize(expr, type) };
  }

  #elementSize(expr: Expr, type: Type): Range {
    const path = this.#extend(expr, '@items');
    const declared = path === undefined ? undefined : this.#schemaSize(path);
    return declared ?? typeSize(parameterAt(type, 0)) ?? UNKNOWN_SIZE;
  }

  #schemaSize([name, ...rest]: readonly string[]): Range | undefined {
    const schema = name === undefined ? undefined : this.#environment.variable(name)?.schema;
    return schema === undefined ? undefined : sizeAt(schema, rest);
  }

  #size(expr: Expr): Range | undefined {
    const known = this.#sizes.get(expr.id) ?? literalSize(expr);
    if (known !== undefined) {
      return known;
    }
    const path = this.#path(expr);
    const declared = path === undefined ? undefined : this.#schemaSize(path);
    if (declared !== undefined) {
      this.#sizes.set(expr.id, declared);
      return declared;
    }
    return typeSize(this.#type(expr)) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined);
  }

  #sizeOrUnknown(expr: Expr): Range {
    return this.#size(expr) ?? UNKNOWN_SIZE;
  }

  #entriesOf(expr: Expr): EntrySize | undefined {
    return (
      this.#entries.get(expr.id) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.entries : undefined)
    );
  }

  #copySizes(to: Expr, from: Expr): void {
    const size = this.#size(from);
    const entries = this.#entriesOf(from);
    if (size !== undefined) {
      this.#sizes.set(to.id, size);
    }
    if (entries !== undefined) {
      this.#entries.set(to.id, entries);
    }
  }

  #pushLocal(name: string, expr: Expr): void {
    this.#locals.push({
      name,
      path: this.#path(expr),
      size: this.#size(expr),
      entries: this.#entriesOf(expr),
    });
  }

  #pushIteration(name: string, range: Expr, part: 'key' | 'value'): void {
    const entries = this.#entriesOf(range);
    const isList = entries?.isList ?? this.#type(range).kind === 'list';
    const step = part === 'key' ? (isList ? '@indices' : '@keys') : isList ? '@items' : '@values';
    this.#locals.push({ name, path: this.#extend(range, step), size: entries?.[part], entries: undefined });
  }

  #binding(expr: ComprehensionExpr): Range {
    const before = plus(this.cost(expr.range), this.cost(expr.accuInit));
    this.#pushLocal(expr.accu, expr.accuInit);
    const result = this.cost(expr.result);
    this.#locals.pop();
    this.#copySizes(expr, expr.result);
    return plus(before, result);
  }

  #fold(expr: ComprehensionExpr): Range {
    const before = plus(this.cost(expr.range), this.cost(expr.accuInit));
    this.#pushLocal(expr.accu, expr.accuInit);
    const outer = this.#locals.length;
    const isList = (this.#entriesOf(expr.range)?.isList ?? false) || this.#type(expr.range).kind === 'list';
    const isPair = expr.variable2 !== undefined;
    this.#pushIteration(expr.variable, expr.range, isPair || !isList ? 'key' : 'value');
    if (expr.variable2 !== undefined) {
      this.#pushIteration(expr.variable2, expr.range, 'value');
    }
    const turn = plus(this.cost(expr.condition), this.cost(expr.step));
    this.#locals.length = outer;
    const result = this.cost(expr.result);
    this.#locals.pop();
    const count = this.#sizeOrUnknown(expr.range);
    this.#sizeFold(expr, count);
    return plus(before, result, times(count, turn));
  }

  #sizeFold(expr: ComprehensionExpr, count: Range): void {
    const { kind } = expr.accuInit;
    if (kind === 'literal') {
      this.#sizes.set(expr.id, this.#sizeOrUnknown(expr.accuInit));
    } else if (kind === 'list' || kind === 'map') {
      this.#sizes.set(expr.id, count);
      const entries = this.#entriesOf(expr.step);
      if (entries !== undefined) {
        this.#entries.set(expr.id, entries);
      }
    }
  }
}

function isBinding({ range, condition, accu }: ComprehensionExpr): boolean {
  const isEmpty = range.kind === 'list' && range.elements.length === 0;
  return isEmpty && condition.kind === 'literal' && condition.value === false && accu !== ACCUMULATOR;
}

function unionOf(ranges: readonly Range[]): Range {
  return ranges.length === 0 ? ZERO : ranges.reduce(union);
}

function literalSize(expr: Expr): Range | undefined {
  switch (expr.kind) {
    case 'literal': {
      const { value } = expr;
      return fixed(
        typeof value === 'string' ? codePointLength(value) : value instanceof Uint8Array ? value.length : 1,
      );
    }
    case 'list':
      return fixed(expr.elements.length);
    case 'map':
      return fixed(expr.entries.length);
    default:
      return undefined;
  }
}

function typeSize(type: Type): Range | undefined {
  if (isOptional(type)) {
    return typeSize(parameterAt(type, 0));
  }
  return SCALARS.has(type.kind) ? ONE : undefined;
}
