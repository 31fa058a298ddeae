import { CHECK_COST, REGEX_FACTOR, TRAVERSAL_FACTOR, callCostOf } from './call-cost.ts';
import { ONE, UNBOUNDED, UNKNOWN_SIZE, fixed, plus, scaled, times, union } from './cost-range.ts';
import type { Range } from './cost-range.ts';
import type { Overload } from './declarations.ts';
import type { SizedNode } from './estimate-cost.ts';

export interface CallEstimate {
  readonly cost: Range;
  /** Of the result, when it has one. */
  readonly size?: Range;
  /** The operands' own costs are part of `cost`. */
  readonly coversArguments?: boolean;
}

type Estimate = (sizes: readonly Range[], nodes: readonly SizedNode[]) => CallEstimate;

function sizeOf(sizes: readonly Range[], index: number): Range {
  return sizes[index] ?? UNKNOWN_SIZE;
}

/** Walking over the first operand; the result is no larger. */
function walking(factor: number, keepsSize: boolean): Estimate {
  return (sizes) => {
    const size = sizeOf(sizes, 0);
    return keepsSize ? { cost: scaled(size, factor), size } : { cost: scaled(size, factor) };
  };
}

function matching(text: Range, pattern: Range): Range {
  return times(scaled(plus(text, ONE), TRAVERSAL_FACTOR), scaled(pattern, REGEX_FACTOR));
}

const MATCHES: Estimate = (sizes) => ({ cost: matching(sizeOf(sizes, 0), sizeOf(sizes, 1)) });

const FIND: Estimate = (sizes) => ({
  cost: matching(sizeOf(sizes, 0), sizeOf(sizes, 1)),
  size: { min: 0, max: sizeOf(sizes, 0).max },
});

/** Every element of a list, and the characters of those that have some; or the characters of a text. */
const ELEMENTS: Estimate = (sizes, [target]) => {
  const size = sizeOf(sizes, 0);
  if (target?.type.kind !== 'list') {
    return { cost: scaled(size, TRAVERSAL_FACTOR) };
  }
  const element = target.type.parameters[0]?.kind;
  const isText = element === 'string' || element === 'bytes';
  const each = isText ? plus(ONE, scaled(target.elementSize(), TRAVERSAL_FACTOR)) : ONE;
  return { cost: times(size, each) };
};

const SELECTOR: Estimate = (sizes) => {
  const length = sizeOf(sizes, 1);
  return { cost: plus(fixed(10), scaled(length, TRAVERSAL_FACTOR), scaled(scaled(length, 0.5), 50)) };
};

/** How large a text can be after replacing: longest by the most, shortest by the least replacements. */
const REPLACE: Estimate = (sizes) => {
  const [text, from, to] = [sizeOf(sizes, 0), sizeOf(sizes, 1), sizeOf(sizes, 2)];
  let most = { count: Math.ceil(text.max / Math.max(1, from.min)), kept: 0 };
  if (from.min === 0) {
    most = { count: text.max + 1, kept: text.max };
  } else if (to.max <= from.min) {
    most = { count: 0, kept: text.max };
  }
  let least = { count: Math.ceil(text.min / Math.max(1, from.max)), kept: 0 };
  if (from.max === 0) {
    least = { count: text.min + 1, kept: text.min };
  } else if (from.max <= to.min) {
    least = { count: 0, kept: text.min };
  }
  const size = {
    min: Math.min(UNBOUNDED, least.count * to.min + least.kept),
    max: Math.min(UNBOUNDED, most.count * to.max + most.kept),
  };
  return { cost: scaled(text, 2 * TRAVERSAL_FACTOR), size };
};

const SPLIT: Estimate = (sizes, nodes) => {
  const text = sizeOf(sizes, 0);
  const limit = nodes[2]?.expr;
  const isLiteral = limit?.kind === 'literal' && typeof limit.value === 'number';
  // A limit below zero is none; upstream reads it as a very large one.
  const max =
    isLiteral && typeof limit.value === 'number' ? (limit.value < 0 ? UNBOUNDED : limit.value) : text.max;
  return { cost: scaled(text, 2 * TRAVERSAL_FACTOR), size: { min: 0, max } };
};

const JOIN: Estimate = (sizes, [target]) => {
  const list = sizeOf(sizes, 0);
  const text = times(list, target?.elementSize() ?? UNKNOWN_SIZE);
  const gaps = { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) };
  const size = sizes.length > 1 ? plus(text, times(sizeOf(sizes, 1), gaps)) : text;
  return { cost: scaled(size, TRAVERSAL_FACTOR), size };
};

/** Octets of an address. */
const ADDRESS_SIZE: Range = { min: 4, max: 16 };

function containing(isRange: boolean, isText: boolean): Estimate {
  return (sizes) => {
    const compared = scaled(plus(ADDRESS_SIZE, ADDRESS_SIZE), TRAVERSAL_FACTOR);
    const masked = isRange ? plus(scaled(ADDRESS_SIZE, TRAVERSAL_FACTOR), ONE) : fixed(0);
    const parsed = isText ? scaled(sizeOf(sizes, 1), TRAVERSAL_FACTOR) : fixed(0);
    return { cost: plus(compared, masked, parsed) };
  };
}

/** The longest pattern among the named formats' names. */
const FORMAT_PATTERN_SIZE = 128;

const VALIDATE: Estimate = (sizes) => ({
  cost: scaled(scaled(sizeOf(sizes, 1), TRAVERSAL_FACTOR), FORMAT_PATTERN_SIZE * REGEX_FACTOR),
});

function makingList(size: Range, factor: number): CallEstimate {
  return { cost: plus(scaled(size, factor), fixed(11)), size };
}

function literalNumber(node: SizedNode | undefined, otherwise: number): number {
  const value = node?.expr.kind === 'literal' ? node.expr.value : undefined;
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}

const SELF_COMPARING: Estimate = (sizes, [target]) => {
  const size = sizeOf(sizes, 0);
  const element = target?.type.parameters[0]?.kind;
  const isText = element === 'string' || element === 'bytes';
  return makingList(times(size, size), isText ? 2 + TRAVERSAL_FACTOR : 2);
};

function comparingLists(factor: number): Estimate {
  return (sizes) => ({ cost: plus(ONE, scaled(times(sizeOf(sizes, 0), sizeOf(sizes, 1)), factor)) });
}

const SMALLER: Estimate = (sizes) => {
  const max = Math.min(sizeOf(sizes, 0).max, sizeOf(sizes, 1).max);
  return { cost: scaled({ min: max > 0 ? 1 : 0, max }, TRAVERSAL_FACTOR) };
};

const CONCATENATION: Estimate = (sizes) => {
  const size = plus(sizeOf(sizes, 0), sizeOf(sizes, 1));
  return { cost: scaled(size, TRAVERSAL_FACTOR), size };
};

function named(names: readonly string[], estimate: Estimate): readonly (readonly [string, Estimate])[] {
  return names.map((name) => [name, estimate]);
}

const BY_FUNCTION: ReadonlyMap<string, Estimate> = new Map([
  ...named(['check'], () => ({ cost: fixed(CHECK_COST) })),
  ...named(['fieldSelector', 'labelSelector'], SELECTOR),
  ...named(['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf', 'includes'], ELEMENTS),
  ...named(
    ['url', 'jsonpatch.escapeKey', 'lowerAscii', 'upperAscii', 'substring', 'trim'],
    walking(TRAVERSAL_FACTOR, true),
  ),
  ...named(
    ['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'],
    walking(TRAVERSAL_FACTOR, false),
  ),
  ...named(['ip.isCanonical'], walking(2 * TRAVERSAL_FACTOR, false)),
  ...named(['replace'], REPLACE),
  ...named(['split'], SPLIT),
  ...named(['join'], JOIN),
  ...named(['find', 'findAll'], FIND),
  ...named(['validate'], VALIDATE),
  ...named(['slice'], (sizes, [, start, end]) =>
    makingList(fixed(Math.max(0, literalNumber(end, sizeOf(sizes, 0).max) - literalNumber(start, 0))), 1),
  ),
  ...named(['reverse'], (sizes) => makingList(sizeOf(sizes, 0), 1)),
  ...named(['lists.range'], (_sizes, [count]) => makingList(fixed(literalNumber(count, UNBOUNDED)), 1)),
  ...named(['flatten'], (sizes, [, depth]) =>
    makingList(sizeOf(sizes, 0), depth === undefined ? 1 : literalNumber(depth, UNBOUNDED)),
  ),
  ...named(['distinct', 'sort'], SELF_COMPARING),
  ...named(['@sortByAssociatedKeys'], (sizes, nodes) => SELF_COMPARING(sizes.slice(1), nodes.slice(1))),
  ...named(['sets.contains', 'sets.intersects'], comparingLists(1)),
  ...named(['sets.equivalent'], comparingLists(2)),
]);

const BY_OVERLOAD: ReadonlyMap<string, Estimate> = new Map([
  ...named(['string_format'], walking(TRAVERSAL_FACTOR, false)),
  ...named(['string_to_ip'], walking(TRAVERSAL_FACTOR, false)),
  ...named(['string_to_bytes'], (sizes) => {
    const { min, max } = sizeOf(sizes, 0);
    return { cost: scaled({ min, max }, TRAVERSAL_FACTOR), size: { min, max: Math.min(UNBOUNDED, max * 4) } };
  }),
  ...named(['bytes_to_string'], (sizes) => {
    const { min, max } = sizeOf(sizes, 0);
    return { cost: scaled({ min, max }, TRAVERSAL_FACTOR), size: { min: Math.floor(min / 4), max } };
  }),
  ...named(['strings_quote'], (sizes) => {
    const { min, max } = sizeOf(sizes, 0);
    return {
      cost: scaled({ min, max }, TRAVERSAL_FACTOR),
      size: { min: min + 2, max: Math.min(UNBOUNDED, max * 2 + 2) },
    };
  }),
  ...named(['starts_with_string', 'ends_with_string'], (sizes) => ({
    cost: scaled(sizeOf(sizes, 1), TRAVERSAL_FACTOR),
  })),
  ...named(['in_list'], (sizes) => ({ cost: sizeOf(sizes, 1) })),
  ...named(['matches_string'], MATCHES),
  ...named(['contains_string'], (sizes) => ({
    cost: times(scaled(sizeOf(sizes, 0), TRAVERSAL_FACTOR), scaled(sizeOf(sizes, 1), TRAVERSAL_FACTOR)),
  })),
  ...named(['add_list'], (sizes) => ({ cost: ONE, size: plus(sizeOf(sizes, 0), sizeOf(sizes, 1)) })),
  ...named(['add_string', 'add_bytes'], CONCATENATION),
  ...named(
    ['less', 'less_equals', 'greater', 'greater_equals'].flatMap((name) => [
      `${name}_string`,
      `${name}_bytes`,
    ]),
    SMALLER,
  ),
  ...named(['not_equals'], SMALLER),
  ...named(['cidr_contains_ip_string'], containing(false, true)),
  ...named(['cidr_contains_ip_ip'], containing(false, false)),
  ...named(['cidr_contains_cidr_string'], containing(true, true)),
  ...named(['cidr_contains_cidr'], containing(true, false)),
]);

/** Equality of a library's own types is one comparison. */
function estimateEquals(sizes: readonly Range[], nodes: readonly SizedNode[]): CallEstimate {
  const [left, right] = nodes;
  const isOwn =
    left !== undefined &&
    left.type.name === right?.type.name &&
    /^(?:kubernetes\.|net\.)/.test(left.type.name);
  if (!isOwn) {
    return SMALLER(sizes, nodes);
  }
  if (left.type.name === 'kubernetes.NamedFormat') {
    return { cost: scaled({ min: 1, max: 64 }, TRAVERSAL_FACTOR) };
  }
  const size = left.type.name === 'kubernetes.URL' ? union(ONE, right?.size ?? ONE) : ONE;
  return left.type.name === 'kubernetes.URL'
    ? { cost: scaled({ min: 1, max: size.max }, TRAVERSAL_FACTOR) }
    : { cost: ONE };
}

/** What a call adds to the costs of its operands. */
export function estimateCall(
  overload: Overload,
  target: SizedNode | undefined,
  args: readonly SizedNode[],
): CallEstimate {
  const nodes = target === undefined ? args : [target, ...args];
  const sizes = nodes.map(({ size }) => size ?? UNKNOWN_SIZE);
  if (overload.id === 'equals') {
    return estimateEquals(sizes, nodes);
  }
  const estimate = BY_FUNCTION.get(overload.functionName) ?? BY_OVERLOAD.get(overload.id);
  if (estimate !== undefined) {
    return estimate(sizes, nodes);
  }
  const cost = callCostOf(overload);
  return { cost: typeof cost === 'number' ? fixed(cost) : ONE };
}
