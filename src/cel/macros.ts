import { ACCUMULATOR } from './ast.ts';
import type { ComprehensionExpr, Expr, MacroCall } from './ast.ts';
import type { ExprFactory } from './expr-factory.ts';

/** The call's replacement, what is wrong with it, or undefined when the name is an ordinary function's. */
export type Expansion = { readonly expr: Expr } | { readonly error: string; readonly at: Expr } | undefined;

type Expander = (make: NodeMaker, target: Expr, args: readonly Expr[]) => Exclude<Expansion, undefined>;

/** Keyed by name and number of arguments, as overloads of one name differ by it. */
const RECEIVER_MACROS: Readonly<Record<string, Expander>> = {
  'all/2': quantifier('all', 1),
  'all/3': quantifier('all', 2),
  'exists/2': quantifier('exists', 1),
  'exists/3': quantifier('exists', 2),
  'exists_one/2': quantifier('exists_one', 1),
  'exists_one/3': quantifier('exists_one', 2),
  'existsOne/2': quantifier('exists_one', 1),
  'existsOne/3': quantifier('exists_one', 2),
  'map/2': collect(1, 'list'),
  'map/3': collect(1, 'list'),
  'filter/2': filter,
  'transformList/3': collect(2, 'list'),
  'transformList/4': collect(2, 'list'),
  'transformMap/3': collect(2, 'map'),
  'transformMap/4': collect(2, 'map'),
  'transformMapEntry/3': collect(2, 'entry'),
  'transformMapEntry/4': collect(2, 'entry'),
  'sortBy/2': sortBy,
  'optMap/2': optionalMap(false),
  'optFlatMap/2': optionalMap(true),
};

/** Replaces `has(…)`, `x.all(…)` and the like by plain nodes; all new nodes stand where the call's bracket does. */
export function expandMacro(factory: ExprFactory, call: MacroCall, offset: number): Expansion {
  const make = new NodeMaker(factory, offset);
  const expansion = expand(make, call);
  if (expansion !== undefined && 'expr' in expansion) {
    factory.macroCalls.set(expansion.expr.id, call);
  }
  return expansion;
}

function expand(make: NodeMaker, { name, target, args }: MacroCall): Expansion {
  const [first] = args;
  if (target === undefined) {
    if (name !== 'has' || args.length !== 1 || first === undefined) {
      return undefined;
    }
    return first.kind === 'select' && !first.isTest
      ? { expr: make.presenceTest(first.operand, first.field) }
      : { error: 'invalid argument to has() macro', at: first };
  }
  if (name === 'bind' && args.length === 3 && target.kind === 'ident' && target.name === 'cel') {
    return bind(make, args);
  }
  return RECEIVER_MACROS[`${name}/${args.length}`]?.(make, target, args);
}

class NodeMaker {
  readonly #factory: ExprFactory;
  readonly #offset: number;

  constructor(factory: ExprFactory, offset: number) {
    this.#factory = factory;
    this.#offset = offset;
  }

  /** The numbers of literals come from here too, as small ints and booleans. */
  literal(value: boolean | number): Expr {
    return this.#factory.literal(this.#offset, value);
  }

  ident(name: string): Expr {
    return this.#factory.ident(this.#offset, name);
  }

  accu(): Expr {
    return this.ident(ACCUMULATOR);
  }

  call(name: string, ...args: readonly Expr[]): Expr {
    return this.#factory.call(this.#offset, name, args);
  }

  method(target: Expr, name: string, ...args: readonly Expr[]): Expr {
    return this.#factory.call(this.#offset, name, args, target);
  }

  list(...values: readonly Expr[]): Expr {
    return this.#factory.list(
      this.#offset,
      values.map((value) => ({ value, isOptional: false })),
    );
  }

  emptyMap(): Expr {
    return this.#factory.map(this.#offset, []);
  }

  presenceTest(operand: Expr, field: string): Expr {
    return this.#factory.select(this.#offset, operand, field, true);
  }

  fold(parts: Omit<ComprehensionExpr, 'kind' | 'id'>): Expr {
    return this.#factory.comprehension(this.#offset, parts);
  }
}

type Variables =
  | { readonly variable: string; readonly variable2: string | undefined }
  | { readonly error: string; readonly at: Expr };

/** The first one or two arguments, which must be plain names. */
function variablesOf(args: readonly Expr[], count: 1 | 2, notAName: string): Variables {
  const names: string[] = [];
  for (const arg of args.slice(0, count)) {
    if (arg.kind !== 'ident' || arg.name.startsWith('.')) {
      return { error: notAName, at: arg };
    }
    if (arg.name === ACCUMULATOR || arg.name === '__result__') {
      return { error: 'iteration variable overwrites accumulator variable', at: arg };
    }
    if (names.includes(arg.name)) {
      return { error: `duplicate variable name: ${arg.name}`, at: arg };
    }
    names.push(arg.name);
  }
  return { variable: names[0] ?? '', variable2: count === 2 ? names[1] : undefined };
}

function quantifier(kind: 'all' | 'exists' | 'exists_one', count: 1 | 2): Expander {
  return (make, target, args) => {
    const variables = variablesOf(args, count, 'argument must be a simple name');
    const predicate = args[count];
    if ('error' in variables || predicate === undefined) {
      return variables as { error: string; at: Expr };
    }
    const common = { range: target, ...variables, accu: ACCUMULATOR };
    if (kind === 'exists_one') {
      const accuInit = make.literal(0);
      const condition = make.literal(true);
      const more = make.call('_+_', make.accu(), make.literal(1));
      const step = make.call('_?_:_', predicate, more, make.accu());
      const result = make.call('_==_', make.accu(), make.literal(1));
      return { expr: make.fold({ ...common, accuInit, condition, step, result }) };
    }
    const isAll = kind === 'all';
    const accuInit = make.literal(isAll);
    const goesOn = isAll ? make.accu() : make.call('!_', make.accu());
    const condition = make.call('@not_strictly_false', goesOn);
    const step = make.call(isAll ? '_&&_' : '_||_', make.accu(), predicate);
    return { expr: make.fold({ ...common, accuInit, condition, step, result: make.accu() }) };
  };
}

/** `map` and the `transform…` family: the accumulator grows by each element, or by those a filter lets through. */
function collect(count: 1 | 2, into: 'list' | 'map' | 'entry'): Expander {
  return (make, target, args) => {
    const variables = variablesOf(args, count, 'argument is not an identifier');
    const transform = args.at(-1);
    if ('error' in variables || transform === undefined) {
      return variables as { error: string; at: Expr };
    }
    const condition = make.literal(true);
    const grown = {
      list: () => make.call('_+_', make.accu(), make.list(transform)),
      map: () => make.call('cel.@mapInsert', make.accu(), make.ident(variables.variable), transform),
      entry: () => make.call('cel.@mapInsert', make.accu(), transform),
    }[into]();
    const keep = args.length === count + 2 ? args[count] : undefined;
    const step = keep === undefined ? grown : make.call('_?_:_', keep, grown, make.accu());
    const accuInit = into === 'list' ? make.list() : make.emptyMap();
    const parts = { range: target, ...variables, accu: ACCUMULATOR, accuInit, condition, step };
    return { expr: make.fold({ ...parts, result: make.accu() }) };
  };
}

function filter(make: NodeMaker, target: Expr, args: readonly Expr[]): Exclude<Expansion, undefined> {
  const variables = variablesOf(args, 1, 'argument is not an identifier');
  const [element, predicate] = args;
  if ('error' in variables || element === undefined || predicate === undefined) {
    return variables as { error: string; at: Expr };
  }
  const condition = make.literal(true);
  const grown = make.call('_+_', make.accu(), make.list(element));
  const step = make.call('_?_:_', predicate, grown, make.accu());
  const parts = { range: target, ...variables, accu: ACCUMULATOR, accuInit: make.list(), condition, step };
  return { expr: make.fold({ ...parts, result: make.accu() }) };
}

/** A fold over nothing, whose accumulator is the variable and whose result is the body. */
function bindTo(make: NodeMaker, name: string, value: Expr, body: Expr): Expr {
  return make.fold({
    range: make.list(),
    variable: '#unused',
    variable2: undefined,
    accu: name,
    accuInit: value,
    condition: make.literal(false),
    step: make.ident(name),
    result: body,
  });
}

function bind(make: NodeMaker, args: readonly Expr[]): Expansion {
  const [name, value, body] = args;
  if (name === undefined || value === undefined || body === undefined) {
    return undefined;
  }
  return name.kind === 'ident'
    ? { expr: bindTo(make, name.name, value, body) }
    : { error: 'cel.bind() variable names must be simple identifiers', at: name };
}

function optionalMap(isFlat: boolean): Expander {
  return (make, target, args) => {
    const [name, body] = args;
    const macro = isFlat ? 'optFlatMap' : 'optMap';
    if (name?.kind !== 'ident' || body === undefined) {
      return { error: `${macro}() variable name must be a simple identifier`, at: name ?? target };
    }
    const present = bindTo(make, name.name, make.method(target, 'value'), body);
    const none = make.method(make.ident('optional'), 'none');
    const found = isFlat ? present : make.method(make.ident('optional'), 'of', present);
    return { expr: make.call('_?_:_', make.method(target, 'hasValue'), found, none) };
  };
}

/** Sorts by what an expression makes of each element, computed once for each. */
function sortBy(make: NodeMaker, target: Expr, args: readonly Expr[]): Exclude<Expansion, undefined> {
  const [name] = args;
  if (!['list', 'ident', 'comprehension', 'call', 'select'].includes(target.kind) || name === undefined) {
    return {
      error: 'sortBy can only be applied to a list, identifier, comprehension, call or select expression',
      at: target,
    };
  }
  const sorted = '@__sortBy_input__';
  const keys = collect(1, 'list')(make, make.ident(sorted), args);
  return 'error' in keys
    ? keys
    : {
        expr: bindTo(make, sorted, target, make.call('@sortByAssociatedKeys', make.ident(sorted), keys.expr)),
      };
}
