import type { IncomingHttpHeaders } from 'node:http';
import { headerOf } from '../authn/user.ts';

/** What a request that could not be authenticated had tried, in upstream's words. */
export function attemptedCredentials(
  headers: IncomingHttpHeaders,
  query: string,
  hasCertificate: boolean,
): string {
  const [scheme = '', value] = (headerOf({ headers }, 'authorization') ?? '').trim().split(' ');
  const isGiven = value !== undefined && value !== '';
  const methods = [
    ...(isGiven && scheme.toLowerCase() === 'basic' ? ['basic'] : []),
    ...(isGiven && scheme.toLowerCase() === 'bearer' ? ['bearer'] : []),
    ...(new URLSearchParams(query).get('access_token') ? ['access_token'] : []),
    ...(hasCertificate ? ['x509'] : []),
  ];
  return methods.length === 0
    ? 'Authentication failed, no credentials provided'
    : `Authentication failed, attempted: ${methods.join(', ')}`;
}
