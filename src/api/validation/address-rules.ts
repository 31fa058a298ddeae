import { Cidr } from '#base/ip.ts';
import { dnsSubdomainProblems, pathSegmentProblems } from '../names.ts';
import type { IPAddress, ServiceCIDR } from '../types/networking.v1.ts';
import { canonicalIpProblems, checkStrictCidr } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';

const PATH = 'spec.cidrs';

/** Ranges that services take their addresses from, and the addresses that are taken. */
export const SERVICE_CIDR_RULES: KindRules<ServiceCIDR> = {
  onCreate(problems, { spec }) {
    checkRanges(problems, spec.cidrs ?? []);
  },
  onUpdate(problems, next, previous) {
    const [after, before] = [next.spec.cidrs ?? [], previous.spec.cidrs ?? []];
    const isSecondAdded = before.length === 1 && after.length === 2;
    if (before.length !== after.length && !isSecondAdded) {
      problems.invalid(PATH, after, 'field is immutable');
      return;
    }
    for (const [index, range] of before.entries()) {
      problems.immutable(`${PATH}[${index}]`, after[index], range);
    }
    if (isSecondAdded) {
      checkRanges(problems, after);
    }
  },
};

function checkRanges(problems: Problems, ranges: readonly string[]): void {
  if (ranges.length === 0) {
    problems.required(PATH, 'at least one CIDR required');
    return;
  }
  if (ranges.length > 2) {
    problems.invalid(PATH, { CIDRs: ranges }, 'may only hold up to 2 values');
    return;
  }
  for (const [index, range] of ranges.entries()) {
    checkStrictCidr(problems, `${PATH}[${index}]`, range);
  }
  const [first, second] = ranges.map((range) => Cidr.parse(range)?.family);
  if (ranges.length === 2 && first === second && first !== undefined) {
    problems.invalid(
      PATH,
      ranges,
      'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    );
  }
}

export const IP_ADDRESS_RULES: KindRules<IPAddress> = {
  nameRule: canonicalIpProblems,
  onCreate(problems, { spec: { parentRef } }) {
    const path = 'spec.parentRef';
    if (parentRef === undefined) {
      problems.required(path);
      return;
    }
    const { group = '', resource, name, namespace = '' } = parentRef;
    if (group !== '') {
      problems.names(`${path}.group`, group, dnsSubdomainProblems(group));
    }
    problems.requiredName(`${path}.resource`, resource, pathSegmentProblems);
    problems.requiredName(`${path}.name`, name, pathSegmentProblems);
    if (namespace !== '') {
      problems.names(`${path}.namespace`, namespace, pathSegmentProblems(namespace));
    }
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.parentRef', next.spec.parentRef, previous.spec.parentRef);
  },
};
