import { isIP } from 'node:net';
import { dnsSubdomainProblems } from '../names.ts';
import type { LoadBalancerStatus } from '../types/core.v1.ts';
import { checkIp } from './ip-rules.ts';
import type { Problems } from './problems.ts';

/** The addresses that a load balancer reports. */
export function checkLoadBalancerStatus(
  problems: Problems,
  path: string,
  { ingress = [] }: LoadBalancerStatus,
): void {
  for (const [index, { ip = '', ipMode, hostname = '' }] of ingress.entries()) {
    const at = `${path}.ingress[${index}]`;
    if (ip !== '') {
      checkIp(problems, `${at}.ip`, ip);
    }
    if (ipMode === undefined) {
      if (ip !== '') {
        problems.required(`${at}.ipMode`, 'must be specified when `ip` is set');
      }
    } else if (ip === '') {
      problems.forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set');
    } else {
      problems.oneOf(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']);
    }
    checkReportedHost(problems, `${at}.hostname`, hostname);
  }
}

/** The name of a load balancer, where it has one. */
export function checkReportedHost(problems: Problems, path: string, hostname: string): void {
  if (hostname === '') {
    return;
  }
  problems.names(path, hostname, dnsSubdomainProblems(hostname));
  if (isIP(hostname) !== 0) {
    problems.invalid(path, hostname, 'must be a DNS name, not an IP address');
  }
}
