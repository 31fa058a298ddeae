import { isIP } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';
import { headerOf } from '../authn/user.ts';

/** Where a request says it came from, by way of proxies, and at last where it really came from. */
export function sourceIps(headers: IncomingHttpHeaders, remote: string | undefined): readonly string[] {
  const forwarded = (headerOf({ headers }, 'x-forwarded-for') ?? '').split(',').map((part) => part.trim());
  const ips = forwarded.filter((ip) => isIP(ip) !== 0);
  const real = headerOf({ headers }, 'x-real-ip') ?? '';
  if (isIP(real) !== 0 && !ips.includes(real)) {
    ips.push(real);
  }
  // A socket for both families shows IPv4 addresses in the form of IPv6.
  const last = remote?.replace(/^::ffff:(?=\d+\.)/, '') ?? '';
  if (isIP(last) !== 0 && ips.at(-1) !== last) {
    ips.push(last);
  }
  return ips;
}
