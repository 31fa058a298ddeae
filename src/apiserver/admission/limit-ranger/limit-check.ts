import { compareQuantities, parseQuantity, quantityToMillis } from '#api/quantity.ts';
import type { LimitRangeItem } from '#api/types/core.v1.ts';
import type { ResourceList } from '#api/quota/resource-list.ts';

interface Resources {
  readonly requests: ResourceList;
  readonly limits: ResourceList;
}

/** Everything about a container or pod that one item of a LimitRange forbids, a sentence each. */
export function limitViolations(item: LimitRangeItem, { requests, limits }: Resources): readonly string[] {
  const { type } = item;
  return [
    ...each(item.min, (name, bound) => minViolation({ type, name, bound }, requests[name], limits[name])),
    ...each(item.max, (name, bound) => maxViolation({ type, name, bound }, requests[name], limits[name])),
    ...each(item.maxLimitRequestRatio, (name, bound) =>
      ratioViolation({ type, name, bound }, requests[name], limits[name]),
    ),
  ];
}

/** The same for a claim, which has requests only. */
export function claimViolations(
  { type, min, max }: LimitRangeItem,
  requests: ResourceList,
): readonly string[] {
  return [
    ...each(min, (name, bound) => minViolation({ type, name, bound }, requests[name], undefined)),
    ...each(max, (name, bound) => maxRequestViolation({ type, name, bound }, requests[name])),
  ];
}

interface Bound {
  readonly type: string;
  readonly name: string;
  readonly bound: string;
}

function each(
  bounds: ResourceList | undefined,
  check: (name: string, bound: string) => string | undefined,
): readonly string[] {
  return Object.entries(bounds ?? {}).flatMap(([name, bound]) => check(name, bound) ?? []);
}

function minViolation(
  bound: Bound,
  request: string | undefined,
  limit: string | undefined,
): string | undefined {
  const head = `minimum ${bound.name} usage per ${bound.type} is ${bound.bound}`;
  if (request === undefined) {
    return `${head}.  No request is specified`;
  }
  if (isLess(request, bound.bound)) {
    return `${head}, but request is ${request}`;
  }
  return limit !== undefined && isLess(limit, bound.bound) ? `${head}, but limit is ${limit}` : undefined;
}

function maxViolation(
  bound: Bound,
  request: string | undefined,
  limit: string | undefined,
): string | undefined {
  const head = `maximum ${bound.name} usage per ${bound.type} is ${bound.bound}`;
  if (limit === undefined) {
    return `${head}.  No limit is specified`;
  }
  if (isLess(bound.bound, limit)) {
    return `${head}, but limit is ${limit}`;
  }
  return request !== undefined && isLess(bound.bound, request)
    ? `${head}, but request is ${request}`
    : undefined;
}

function maxRequestViolation(bound: Bound, request: string | undefined): string | undefined {
  const head = `maximum ${bound.name} usage per ${bound.type} is ${bound.bound}`;
  if (request === undefined) {
    return `${head}.  No request is specified`;
  }
  return isLess(bound.bound, request) ? `${head}, but request is ${request}` : undefined;
}

function ratioViolation(
  bound: Bound,
  request: string | undefined,
  limit: string | undefined,
): string | undefined {
  const head = `${bound.name} max limit to request ratio per ${bound.type} is ${bound.bound}`;
  const requestMillis = request === undefined ? 0 : quantityToMillis(request);
  const limitMillis = limit === undefined ? 0 : quantityToMillis(limit);
  if (requestMillis === 0) {
    return `${head}, but no request is specified or request is 0`;
  }
  if (limitMillis === 0) {
    return `${head}, but no limit is specified or limit is 0`;
  }
  const ratio = limitMillis / requestMillis;
  return ratio > quantityToMillis(bound.bound) / 1000
    ? `${head}, but provided ratio is ${ratio.toFixed(6)}`
    : undefined;
}

function isLess(left: string, right: string): boolean {
  return compareQuantities(parseQuantity(left), parseQuantity(right)) < 0;
}
