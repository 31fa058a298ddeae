import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface HttpGet {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly scheme: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export interface HttpAnswer {
  readonly status: number;
  /** At most {@link BODY_BYTES_MAX}. */
  readonly body: string;
  /** It leads to another host, and was not followed. */
  readonly isRedirectedAway: boolean;
}

const BODY_BYTES_MAX = 10 * 1024;
const REDIRECTS_MAX = 10;
const USER_AGENT = 'kube-probe/1.36';

export function urlOf({ scheme, host, port, path }: HttpGet): URL {
  const authority = host.includes(':') ? `[${host}]` : host;
  const slashed = path.startsWith('/') ? path : `/${path}`;
  return new URL(`${scheme.toLowerCase()}://${authority}:${port}${slashed}`);
}

/**
 * One GET as probes and hooks do it: certificates unchecked, connection not kept, redirects followed on
 * the same host only.
 */
export async function httpGet(target: HttpGet, signal: AbortSignal): Promise<HttpAnswer> {
  let url = urlOf(target);
  const { hostname } = url;
  for (let redirects = 0; ; redirects++) {
    const response = await send(url, target.headers, signal);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status < 300 || status >= 400 || location === undefined) {
      return { status, body: await readBody(response), isRedirectedAway: false };
    }
    response.destroy();
    if (redirects >= REDIRECTS_MAX) {
      throw new Error(`Get "${url.href}": stopped after ${REDIRECTS_MAX} redirects`);
    }
    const next = new URL(location, url);
    if (next.hostname !== hostname) {
      return { status, body: '', isRedirectedAway: true };
    }
    url = next;
  }
}

function send(url: URL, headers: HttpGet['headers'], signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options: RequestOptions = {
    method: 'GET',
    agent: false,
    signal,
    headers: headersOf(headers),
  };
  const request =
    url.protocol === 'https:'
      ? requestHttps(url, { ...options, rejectUnauthorized: false }, resolve)
      : requestHttp(url, options, resolve);
  request.on('error', reject);
  request.end();
  return promise;
}

function headersOf(given: HttpGet['headers']): Record<string, string[]> {
  const headers: Record<string, string[]> = { 'User-Agent': [USER_AGENT], Accept: ['*/*'] };
  const seen = new Set<string>();
  for (const { name, value } of given) {
    const key = Object.keys(headers).find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
    headers[key] = seen.has(key) ? [...(headers[key] ?? []), value] : [value];
    seen.add(key);
  }
  if (headers['Accept']?.[0] === '') {
    delete headers['Accept'];
  }
  return headers;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    // A response without an encoding set yields buffers.
    const bytes = chunk as Buffer;
    chunks.push(bytes);
    size += bytes.length;
    if (size >= BODY_BYTES_MAX) {
      break; // Ending the iteration destroys the response.
    }
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8');
}
