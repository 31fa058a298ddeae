import { isIP } from 'node:net';
import type { ServiceSpec } from '../types/core.v1.ts';
import { checkIp } from './ip-rules.ts';
import type { Problems } from './problems.ts';

/** A service's addresses inside the cluster: what may be asked for, and what may change afterwards. */

const NONE = 'None';
const FAMILIES = ['IPv4', 'IPv6'];
const POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const FIXED = 'may not change once set';

/** Without an address of its own: its name stands for the pods themselves. */
export function isHeadless({ clusterIPs, clusterIP }: ServiceSpec): boolean {
  return clusterIPs === undefined ? clusterIP === NONE : clusterIPs.length === 1 && clusterIPs[0] === NONE;
}

export function checkClusterAddresses(problems: Problems, spec: ServiceSpec): void {
  if (spec.type === 'ExternalName') {
    return;
  }
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const path = 'spec.clusterIPs';
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) {
      problems.required(path);
    } else if (clusterIPs[0] !== clusterIP) {
      problems.invalid(path, clusterIPs, 'first value must match `clusterIP`');
    }
  } else if (clusterIPs.length > 0) {
    problems.invalid(path, clusterIPs, 'must be empty when `clusterIP` is not specified');
  }
  for (const [index, family] of ipFamilies.entries()) {
    problems.oneOf(`spec.ipFamilies[${index}]`, family, FAMILIES);
    if (ipFamilies.indexOf(family) < index) {
      problems.duplicate(`spec.ipFamilies[${index}]`, family);
    }
  }
  if (ipFamilyPolicy !== undefined) {
    problems.oneOf('spec.ipFamilyPolicy', ipFamilyPolicy, POLICIES);
  }
  if (!areAddresses(problems, path, clusterIPs)) {
    return;
  }
  if (clusterIPs.length > 1 && new Set(clusterIPs.map((ip) => isIP(ip))).size < 2) {
    problems.invalid(path, clusterIPs, 'may specify no more than one IP for each IP family');
  }
  if (!isHeadless(spec)) {
    checkFamiliesMatch(problems, path, clusterIPs, ipFamilies);
  }
}

/** Returns false when an address is none, and comparing them would only confuse. */
function areAddresses(problems: Problems, path: string, clusterIPs: readonly string[]): boolean {
  let areGood = true;
  for (const [index, address] of clusterIPs.entries()) {
    if (index === 0 && address === NONE) {
      if (clusterIPs.length > 1) {
        problems.invalid(path, clusterIPs, "'None' must be the first and only value");
        areGood = false;
      }
    } else if (isIP(address) === 0) {
      checkIp(problems, `${path}[${index}]`, address);
      areGood = false;
    }
  }
  if (clusterIPs.length > 2) {
    problems.invalid(path, clusterIPs, 'may only hold up to 2 values');
  }
  return areGood;
}

function checkFamiliesMatch(
  problems: Problems,
  path: string,
  clusterIPs: readonly string[],
  families: readonly string[],
): void {
  for (const [index, address] of clusterIPs.entries()) {
    const family = families[index];
    const actual = isIP(address) === 6 ? 'IPv6' : 'IPv4';
    if (family !== undefined && FAMILIES.includes(family) && family !== actual) {
      problems.invalid(
        `${path}[${index}]`,
        address,
        `expected an ${family} value as indicated by \`ipFamilies[${index}]\``,
      );
    }
  }
}

/** A second address or family may come and go; the first one stays. */
export function checkAddressChange(problems: Problems, next: ServiceSpec, previous: ServiceSpec): void {
  if (next.type === 'ExternalName' || previous.type === 'ExternalName') {
    return;
  }
  const [isNow, was] = [isHeadless(next), isHeadless(previous)];
  if (!isNow || !was) {
    checkList(problems, next, previous, {
      field: 'clusterIPs',
      what: 'clusterIP',
      shown: next.clusterIPs ?? [],
    });
  }
  if (!isNow && !was) {
    checkList(problems, next, previous, {
      field: 'ipFamilies',
      what: 'ipFamily',
      shown: next.clusterIPs ?? [],
    });
  }
}

interface Compared {
  readonly field: 'clusterIPs' | 'ipFamilies';
  readonly what: string;
  /** The value in the sentences about a first entry that changed; upstream shows the addresses in both lists. */
  readonly shown: readonly string[];
}

function checkList(
  problems: Problems,
  next: ServiceSpec,
  previous: ServiceSpec,
  { field, what, shown }: Compared,
): void {
  const after: readonly string[] = next[field] ?? [];
  const before: readonly string[] = previous[field] ?? [];
  const first = `spec.${field}[0]`;
  if (before.length === after.length) {
    for (const [index, value] of before.entries()) {
      if (value !== after[index]) {
        problems.invalid(field === 'clusterIPs' ? `spec.${field}[${index}]` : first, after, FIXED);
      }
    }
    return;
  }
  if (before.length > after.length && shown.length === 0) {
    problems.invalid(first, after, `primary ${what} can not be unset`);
  }
  if (before.length > 0 && after.length > 0 && after[0] !== before[0]) {
    problems.invalid(first, shown, FIXED);
  }
  if (before.length > after.length && after.length === 1 && next.ipFamilyPolicy !== 'SingleStack') {
    problems.invalid(
      'spec.ipFamilyPolicy',
      next.ipFamilyPolicy ?? 'null',
      `must be set to 'SingleStack' when releasing the secondary ${what}`,
    );
  }
}
