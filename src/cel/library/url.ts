import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { structType } from '../types.ts';
import { EntryMap, EvaluationError, ListValue, OpaqueValue } from '../value.ts';
import type { Value } from '../value.ts';

export const URL_TYPE = structType('kubernetes.URL');

class UrlValue extends OpaqueValue {
  readonly type = URL_TYPE;
  readonly parts: UrlParts;

  constructor(parts: UrlParts) {
    super();
    this.parts = parts;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof UrlValue && other.parts.text === this.parts.text;
  }
}

interface UrlParts {
  readonly text: string;
  readonly scheme: string;
  /** With the port; brackets around an IPv6 address. */
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: string;
}

/** Reads an absolute URI or an absolute path, the two forms of a request's target. */
export function parseUrl(text: string): UrlParts | { readonly error: string } {
  const shown = `parse ${JSON.stringify(text)}`;
  if (text === '') {
    return { error: `${shown}: empty url` };
  }
  // oxlint-disable-next-line no-control-regex -- they are what is being refused
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    return { error: `${shown}: net/url: invalid control character in URL` };
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1];
  const [beforeFragment = ''] = text.split('#', 1);
  const rest = scheme === undefined ? beforeFragment : beforeFragment.slice(scheme.length + 1);
  if (scheme === undefined && !text.startsWith('/')) {
    return {
      error: text.startsWith(':') ? `${shown}: missing protocol scheme` : `${shown}: invalid URI for request`,
    };
  }
  const [beforeQuery = '', ...query] = rest.split('?');
  const authority = /^\/\/([^/]*)/.exec(scheme === undefined ? '' : beforeQuery)?.[1];
  const host = authority?.slice(authority.lastIndexOf('@') + 1) ?? '';
  const split = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host);
  if (split === null) {
    return { error: `${shown}: invalid port ${JSON.stringify(/:[^:]*$/.exec(host)?.[0] ?? '')} after host` };
  }
  const path = authority === undefined ? beforeQuery : beforeQuery.slice(authority.length + 2);
  const badEscape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(path);
  if (badEscape !== null) {
    return { error: `${shown}: invalid URL escape ${JSON.stringify(badEscape[0])}` };
  }
  return {
    text,
    scheme: scheme?.toLowerCase() ?? '',
    host,
    hostname: (split[1] ?? '').replace(/^\[|\]$/g, ''),
    port: split[2] ?? '',
    // What has no slash after the scheme is opaque and has no path.
    path: path === '' || path.startsWith('/') ? path : '',
    query: query.join('?'),
  };
}

function read(text: string): Value {
  const parts = parseUrl(text);
  return 'error' in parts
    ? new EvaluationError(`URL parse error during conversion from string: ${parts.error}`)
    : new UrlValue(parts);
}

/** Characters that stand for themselves in a path; all others are escaped, and escapes stay. */
function escapedPath(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/gu, (character) =>
    Array.from(
      Buffer.from(character),
      (octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`,
    ).join(''),
  );
}

function queryOf({ parts: { query } }: UrlValue): EntryMap {
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    const list = values.get(name) ?? [];
    list.push(value);
    values.set(name, list);
  }
  return new EntryMap(Array.from(values, ([name, list]) => [name, ListValue.of(list)]));
}

const url = URL_TYPE.name;

function getter(id: string, name: string, get: (parts: UrlParts) => string): ReturnType<typeof method> {
  return method(id, `${name}(${url}): string`, ({ parts }: UrlValue) => get(parts));
}

/** `url('https://example.com:80/')` and its parts. */
export const URLS: Library = {
  types: [URL_TYPE],
  overloads: [
    declare('string_to_url', `url(string): ${url}`, read),
    declare('is_url_string', 'isURL(string): bool', (text: string) => !('error' in parseUrl(text))),
    getter('url_get_scheme', 'getScheme', ({ scheme }) => scheme),
    getter('url_get_host', 'getHost', ({ host }) => host),
    getter('url_get_hostname', 'getHostname', ({ hostname }) => hostname),
    getter('url_get_port', 'getPort', ({ port }) => port),
    getter('url_get_escaped_path', 'getEscapedPath', ({ path }) => escapedPath(path)),
    method('url_get_query', `getQuery(${url}): map(string, list(string))`, queryOf),
  ],
};
