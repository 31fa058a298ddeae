import { isIP } from 'node:net';
import type { Problems } from './problems.ts';

export function checkIp(problems: Problems, path: string, value: string): void {
  if (isIP(value) === 0) {
    problems.invalid(path, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  }
}

export function checkCidr(problems: Problems, path: string, value: string): void {
  if (!isCidr(value)) {
    problems.invalid(path, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  }
}

function isCidr(value: string): boolean {
  const [address = '', length = '', ...rest] = value.split('/');
  const family = isIP(address);
  return (
    rest.length === 0 &&
    family !== 0 &&
    /^\d{1,3}$/.test(length) &&
    Number(length) <= (family === 4 ? 32 : 128)
  );
}
