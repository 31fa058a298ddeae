import type { IncomingHttpHeaders } from 'node:http';
import { proxiedAddress } from './proxied-links.ts';

export type HeaderMap = Readonly<Record<string, string | string[]>>;

/** Headers that are about one connection, not about the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** What proves who the client is stays here: a pod must not be able to act as its visitors. */
const CREDENTIALS = /^(?:authorization|impersonate-.*|x-remote-.*)$/;

/** The path that stands for the proxied server's root: everything up to and including `/proxy`. */
export function proxyPrefix(path: string): string {
  // The subresource is the segment after the name, which is the one after the resource.
  const match = /^\/api\/v1\/(?:namespaces\/[^/]+\/(?:pods|services)|nodes)\/[^/]+\/proxy/.exec(path);
  return match?.[0] ?? path;
}

export interface ForwardedFor {
  /** Of the request as it came, without its query. */
  readonly path: string;
  readonly host: string;
}

/** The headers that the proxied server sees. */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  { path, host }: ForwardedFor,
  targetHost: string,
): HeaderMap {
  return {
    ...passedOn(headers, (name) => !CREDENTIALS.test(name)),
    host: targetHost,
    'x-forwarded-uri': path,
    'x-forwarded-host': host,
    'x-forwarded-proto': 'https',
  };
}

/** A proxied server has no say in which pages may use this one. */
const CROSS_ORIGIN = /^access-control-allow-(?:credentials|headers|methods|origin)$/;

/** The headers that the client sees: redirects to the proxied server itself lead through the proxy again. */
export function responseHeaders(
  headers: IncomingHttpHeaders,
  { path, host }: ForwardedFor,
  targetHost: string,
): HeaderMap {
  const passed = passedOn(headers, (name) => !CROSS_ORIGIN.test(name));
  const { location } = headers;
  return location === undefined
    ? passed
    : { ...passed, location: proxiedAddress(location, { prefix: proxyPrefix(path), host, targetHost }) };
}

/** A message's headers without those of its connection, in the names of HTTP/1.1. */
export function passedOn(
  headers: IncomingHttpHeaders,
  isWanted: (name: string) => boolean,
): Record<string, string | string[]> {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    // Names that begin with a colon are HTTP/2's way to write the request line.
    if (
      value !== undefined &&
      !name.startsWith(':') &&
      !HOP_BY_HOP.has(name) &&
      !named.has(name) &&
      isWanted(name)
    ) {
      passed[name] = value;
    }
  }
  return passed;
}
