import { qualifiedNameProblems } from '../names.ts';
import { compareQuantities, parseQuantity } from '../quantity.ts';
import type { ResourceList, ResourceRequirements } from '../types/core.v1.ts';
import type { Problems } from './problems.ts';

const STANDARD: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const HUGE_PAGES = 'hugepages-';
const NANOS = 1_000_000_000n;

/** Requests and limits of a container, or of a pod as a whole. */
export function checkResources(
  problems: Problems,
  path: string,
  resources: ResourceRequirements | undefined,
): void {
  const { limits, requests } = resources ?? {};
  if (limits === undefined && requests === undefined) {
    return;
  }
  checkList(problems, `${path}.limits`, limits);
  checkList(problems, `${path}.requests`, requests);
  for (const name in requests) {
    checkAgainstLimit(problems, path, { name, request: requests[name] ?? '0', limit: limits?.[name] });
  }
  const names = new Set([...Object.keys(limits ?? {}), ...Object.keys(requests ?? {})]);
  const hasHugePages = [...names].some((name) => name.startsWith(HUGE_PAGES));
  if (hasHugePages && !names.has('cpu') && !names.has('memory')) {
    problems.forbidden(path, 'HugePages require cpu or memory');
  }
}

function checkList(problems: Problems, path: string, list: ResourceList | undefined): void {
  for (const name in list) {
    const at = `${path}[${name}]`;
    if (!STANDARD.has(name)) {
      checkName(problems, at, name);
    }
    checkAmount(problems, at, { name, amount: list[name] ?? '0' });
  }
}

function checkName(problems: Problems, path: string, name: string): void {
  problems.names(path, name, qualifiedNameProblems(name));
  if (!name.includes('/') && !name.startsWith(HUGE_PAGES)) {
    problems.invalid(path, name, 'must be a standard resource type or fully qualified');
    problems.invalid(path, name, 'must be a standard resource for containers');
  }
}

/** An amount is not negative, and whole where the resource comes in pieces. */
export function checkAmount(
  problems: Problems,
  path: string,
  { name, amount }: { readonly name: string; readonly amount: string },
): void {
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) {
    problems.invalid(path, amount, 'must be greater than or equal to 0');
  }
  if (isExtended(name) && nanos % NANOS !== 0n) {
    problems.invalid(path, amount, 'must be an integer');
  }
}

interface Request {
  readonly name: string;
  readonly request: string;
  readonly limit: string | undefined;
}

function checkAgainstLimit(problems: Problems, path: string, { name, request, limit }: Request): void {
  const isExact = isExtended(name) || name.startsWith(HUGE_PAGES);
  if (limit === undefined) {
    if (isExact) {
      problems.required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
    }
    return;
  }
  const order = compareQuantities(parseQuantity(request), parseQuantity(limit));
  if (isExact && order !== 0) {
    problems.invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`);
  } else if (order > 0) {
    problems.invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

/** A device or the like, named by who offers it. */
function isExtended(name: string): boolean {
  return name.includes('/') && !name.startsWith('kubernetes.io/') && !name.startsWith('requests.');
}
