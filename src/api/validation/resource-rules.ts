import { type NameProblems, dnsLabelProblems } from '../names.ts';
import { compareQuantities, formatQuantity, parseQuantity } from '../quantity.ts';
import type { ResourceClaim, ResourceList, ResourceRequirements } from '../types/core.v1.ts';
import type { Problems } from './problems.ts';
import {
  containerResourceNameProblems,
  isCounted,
  isHugePages,
  isOvercommitAllowed,
} from './resource-names.ts';

const NANOS = 1_000_000_000n;
const MILLI = 1_000_000n;

interface ResourceRules {
  /** Which names may stand here. */
  readonly nameRule: (name: string) => NameProblems;
  /** Names of the pod's own resource claims. */
  readonly claims: ReadonlySet<string>;
}

const NO_CLAIMS: ReadonlySet<string> = new Set();

/** Requests and limits of a container, or of a pod as a whole. */
export function checkResources(
  problems: Problems,
  path: string,
  resources: ResourceRequirements | undefined,
  rules: Partial<ResourceRules> = {},
): void {
  const { limits, requests, claims } = resources ?? {};
  if (limits === undefined && requests === undefined && claims === undefined) {
    return;
  }
  const { nameRule = containerResourceNameProblems, claims: podClaims = NO_CLAIMS } = rules;
  let hasCompute = false;
  let hasHugePages = false;
  for (const list of [limits, requests]) {
    for (const name in list) {
      hasCompute ||= name === 'cpu' || name === 'memory';
      hasHugePages ||= isHugePages(name);
    }
  }
  checkList(problems, `${path}.limits`, limits, nameRule);
  for (const name in requests) {
    const request = requests[name] ?? '0';
    checkEntry(problems, `${path}.requests`, { name, amount: request }, nameRule);
    checkAgainstLimit(problems, path, { name, request, limit: limits?.[name] });
    checkHugePages(problems, `${path}.requests[${name}]`, name, request);
  }
  if (hasHugePages && !hasCompute) {
    problems.forbidden(path, 'HugePages require cpu or memory');
  }
  if (claims !== undefined) {
    checkClaimNames(problems, `${path}.claims`, claims, podClaims);
  }
}

type NameRule = ResourceRules['nameRule'];

function checkList(
  problems: Problems,
  path: string,
  list: ResourceList | undefined,
  nameRule: NameRule,
): void {
  for (const name in list) {
    const amount = list[name] ?? '0';
    checkEntry(problems, path, { name, amount }, nameRule);
    checkHugePages(problems, `${path}[${name}]`, name, amount);
  }
}

interface Amount {
  readonly name: string;
  readonly amount: string;
}

/** The name and the amount of one resource in a list at `path`. */
export function checkEntry(problems: Problems, path: string, entry: Amount, nameRule: NameRule): void {
  const at = `${path}[${entry.name}]`;
  problems.names(at, entry.name, nameRule(entry.name));
  checkAmount(problems, at, entry);
}

/** An amount is not negative, and whole where the resource comes in pieces. */
export function checkAmount(problems: Problems, path: string, { name, amount }: Amount): void {
  // The usual way to write it needs no closer look.
  if (PLAIN.test(amount) && !name.includes('/') && !isCounted(name)) {
    return;
  }
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) {
    problems.invalid(path, amount, 'must be greater than or equal to 0');
  }
  if (isCounted(name) && roundedUp(nanos, MILLI) % NANOS !== 0n) {
    problems.invalid(path, amount, 'must be an integer');
  }
}

const PLAIN = /^[0-9]/;

/** Less strict than {@link checkAmount}. Returns whether the amount is good. */
export function checkBasicAmount(problems: Problems, path: string, amount: string): boolean {
  const { nanos } = parseQuantity(amount);
  if (nanos > -NANOS) {
    return true;
  }
  problems.invalid(path, Number(nanos / NANOS), 'must be a valid resource quantity');
  return false;
}

function roundedUp(nanos: bigint, unit: bigint): bigint {
  const rest = nanos % unit;
  return rest > 0n ? nanos + unit - rest : nanos;
}

function checkHugePages(problems: Problems, path: string, name: string, amount: string): void {
  if (!isHugePages(name)) {
    return;
  }
  const size = pageSize(name);
  const quantity = parseQuantity(amount);
  if (size === undefined || roundedUp(quantity.nanos, NANOS) % size !== 0n) {
    const text = formatQuantity(quantity);
    problems.invalid(path, text, `${text} is not positive integer multiple of ${name}`);
  }
}

/** The size of a page in billionths of a byte, from `hugepages-2Mi`. */
function pageSize(name: string): bigint | undefined {
  const text = name.slice('hugepages-'.length);
  if (!/^[0-9]+(?:\.[0-9]+)?(?:[kKMGTPE]i?)?$/.test(text)) {
    return undefined;
  }
  const { nanos } = parseQuantity(text);
  return nanos > 0n && nanos % NANOS === 0n ? nanos : undefined;
}

interface Request {
  readonly name: string;
  readonly request: string;
  readonly limit: string | undefined;
}

function checkAgainstLimit(problems: Problems, path: string, { name, request, limit }: Request): void {
  const isExact = !isOvercommitAllowed(name);
  if (limit === undefined) {
    if (isExact) {
      problems.required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
    }
    return;
  }
  if (request === limit) {
    return;
  }
  const order = compareQuantities(parseQuantity(request), parseQuantity(limit));
  if (isExact && order !== 0) {
    problems.invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`);
  } else if (order > 0) {
    problems.invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

/** Each claim once, whole or by its requests, and one of the pod's. */
function checkClaimNames(
  problems: Problems,
  path: string,
  claims: readonly ResourceClaim[],
  podClaims: ReadonlySet<string>,
): void {
  const seen = new Set<string>();
  for (const [index, { name, request = '' }] of claims.entries()) {
    const at = `${path}[${index}]`;
    if (name === '') {
      problems.required(at);
      continue;
    }
    if (seen.has(name)) {
      problems.duplicate(at, name);
    } else {
      const key = request === '' ? name : `${name}/${request}`;
      if (request !== '') {
        problems.names(`${at}.request`, request, dnsLabelProblems(request));
      }
      if (seen.has(key)) {
        problems.duplicate(at, key);
      } else if (request === '') {
        [...seen].filter((each) => each.startsWith(`${name}/`)).forEach(() => problems.duplicate(at, name));
      }
      seen.add(key);
    }
    if (!podClaims.has(name)) {
      const known = podClaims.size === 0 ? ' which is empty' : `: ${[...podClaims].toSorted().join(', ')}`;
      problems.notFound(at, name, `must be one of the names in pod.spec.resourceClaims${known}`);
    }
  }
}
