import { isIP } from 'node:net';
import { Cidr, canonicalIp, parseIp } from '#base/ip.ts';
import type { NameProblems } from '../names.ts';
import type { Problems } from './problems.ts';

const NOT_AN_IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const NOT_A_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

export function checkIp(problems: Problems, path: string, value: string): void {
  if (isIP(value) === 0) {
    problems.invalid(path, value, NOT_AN_IP);
  }
}

export function checkCidr(problems: Problems, path: string, value: string): void {
  if (Cidr.parse(value) === undefined) {
    problems.invalid(path, value, NOT_A_CIDR);
  }
}

/** The name of an IPAddress: an address in the one way to write it. */
export function canonicalIpProblems(value: string): NameProblems {
  const canonical = canonicalIp(value);
  if (canonical === undefined) {
    return [NOT_AN_IP];
  }
  if (canonical.startsWith('::ffff:')) {
    return ['must not be an IPv4-mapped IPv6 address'];
  }
  return canonical === value ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** A range as newer kinds want it: no bits set behind the prefix. */
export function checkStrictCidr(problems: Problems, path: string, value: string): void {
  const range = Cidr.parse(value);
  if (range === undefined) {
    problems.invalid(path, value, NOT_A_CIDR);
  } else if (parseIp(value.slice(0, value.indexOf('/')))?.value !== range.base) {
    problems.invalid(path, value, 'must not have bits set beyond the prefix length');
  } else if (range.toString() !== value) {
    problems.invalid(path, value, `must be in canonical form (${JSON.stringify(range.toString())})`);
  }
}

/** Whether `inner` is a part of `outer` and less than all of it. Undefined when either is no range. */
export function isStrictSubset(inner: string, outer: string): boolean | undefined {
  const [small, large] = [Cidr.parse(inner), Cidr.parse(outer)];
  if (small === undefined || large === undefined) {
    return undefined;
  }
  return (
    small.prefixLength > large.prefixLength && large.contains({ family: small.family, value: small.base })
  );
}

const SPECIAL: readonly (readonly [RegExp, (address: string) => string])[] = [
  [/^(?:0\.0\.0\.0|::)$/, (address) => `may not be unspecified (${address})`],
  [/^(?:127\.|::1$)/, () => 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [
    /^(?:169\.254\.|fe[89ab][0-9a-f]:)/i,
    () => 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  ],
  [/^(?:224\.0\.0\.|ff02:)/i, () => 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
];

/** Addresses that mean something else on every node may not be endpoints. */
export function checkNotSpecialIp(problems: Problems, path: string, address: string): void {
  if (isIP(address) === 0) {
    problems.invalid(path, address, 'must be a valid IP address');
    return;
  }
  for (const [pattern, text] of SPECIAL) {
    if (pattern.test(address)) {
      problems.invalid(path, address, text(address));
    }
  }
}
