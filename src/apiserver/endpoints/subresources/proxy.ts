import { once } from 'node:events';
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { connect as connectTls } from 'node:tls';
import { methodNotSupported, serviceUnavailable, StatusError } from '#api/status-error.ts';
import { describeError } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { ApiCall, ApiResult } from '../api-call.ts';
import type { NodeConnection, NodeDirectory } from '../node-directory.ts';
import { proxiedAddress, withProxiedLinks } from './proxied-links.ts';
import { proxyPrefix, requestHeaders, responseHeaders, type ForwardedFor } from './proxy-headers.ts';
import {
  nodeTarget,
  podTarget,
  serviceTarget,
  type ProxyStorages,
  type ProxyTarget,
} from './proxy-target.ts';
import { tunnelUpgrade, type UpgradeConnection } from './upgrade-tunnel.ts';

export interface ProxyDeps extends ProxyStorages {
  readonly directory: NodeDirectory;
  readonly random: Random;
}

type PodTarget = Extract<ProxyTarget, { kind: 'pod' }>;

/** True for requests that somebody else answers: the server only carries them. */
export function isProxyCall({ info }: ApiCall): boolean {
  return (
    info.subresource === 'proxy' &&
    info.group === '' &&
    (info.resource === 'pods' || info.resource === 'services' || info.resource === 'nodes')
  );
}

/**
 * Serves `pods/proxy`, `services/proxy` and `nodes/proxy`: carries one request there and its answer back. A pod is
 * reached through its node.
 *
 * @throws {StatusError} nothing was answered yet; ServiceUnavailable when the target cannot be reached
 */
export async function serveProxy(deps: ProxyDeps, call: ApiCall): Promise<ApiResult> {
  const target = await targetOf(deps, call);
  const prefix = proxyPrefix(call.info.path);
  if (call.info.path === prefix && ['GET', 'HEAD'].includes(methodOf(call))) {
    // Relative links of the root page would lead out of the proxy.
    return redirect(`${prefix}/${queryOf(call)}`);
  }
  const node = connectionOf(deps.directory, target.nodeName);
  if (target.kind === 'node') {
    return await askNode(node, call, call.info.path.slice(prefix.length));
  }
  const forwarded = forwardedFor(call);
  const hostOf = targetHost(target);
  const request = await openRequest(node, target, call, { 'accept-encoding': 'identity' });
  const answer = once(request, 'response', { signal: call.signal });
  request.end(bodyOf(call));
  const [response] = (await answer.catch((error: unknown) => {
    request.destroy();
    throw unreachable(error);
  })) as [IncomingMessage];
  call.signal.addEventListener('abort', () => response.destroy(), { once: true });
  const headers = responseHeaders(response.headers, forwarded, hostOf);
  const contentType = response.headers['content-type'] ?? '';
  const answerOf = { kind: 'bytes', code: response.statusCode ?? 502, contentType } as const;
  if (!hasLinks(call, response)) {
    return { ...answerOf, headers, chunks: response };
  }
  const place = { prefix, host: forwarded.host, targetHost: hostOf };
  // The page will be longer, nobody knows by how much.
  const { 'content-length': _length, ...others } = headers;
  const chunks = withProxiedLinks(response, (address) => proxiedAddress(address, place));
  return { ...answerOf, headers: others, chunks };
}

/** Pages are rewritten so that their links lead through the proxy. */
function hasLinks(call: ApiCall, { headers }: IncomingMessage): boolean {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  return (
    type.trim() === 'text/html' &&
    methodOf(call) !== 'HEAD' &&
    headers.location === undefined &&
    ['', 'identity'].includes(headers['content-encoding'] ?? '')
  );
}

/**
 * Carries a connection that asked to be upgraded. Only when the target agrees do the two ends speak directly: after
 * a refusal nothing else may come through on what the first request was allowed.
 *
 * @throws {StatusError} nothing was written yet
 */
export async function upgradeProxy(
  deps: ProxyDeps,
  call: ApiCall,
  connection: UpgradeConnection,
): Promise<void> {
  const target = await targetOf(deps, call);
  if (target.kind === 'node') {
    throw methodNotSupported({ group: '', resource: 'nodes/proxy' }, 'upgrade');
  }
  const node = connectionOf(deps.directory, target.nodeName);
  const request = await openRequest(node, target, call, {
    connection: 'Upgrade',
    upgrade: connection.request.headers.upgrade ?? '',
  });
  await tunnelUpgrade(request, connection, unreachable);
}

function targetOf(deps: ProxyDeps, { info }: ApiCall): Promise<ProxyTarget> {
  switch (info.resource) {
    case 'pods':
      return podTarget(deps, info.namespace, info.name);
    case 'services':
      return serviceTarget(deps, info.namespace, info.name, deps.random);
    default:
      return nodeTarget(deps, info.name);
  }
}

function connectionOf(directory: NodeDirectory, nodeName: string): NodeConnection {
  const connection = directory.find(nodeName);
  if (connection === undefined) {
    throw serviceUnavailable(`node ${JSON.stringify(nodeName)} cannot be reached from this API server`);
  }
  return connection;
}

/** Dials into the pod and writes the head of the request. */
async function openRequest(
  node: NodeConnection,
  target: PodTarget,
  call: ApiCall,
  extra: Readonly<Record<string, string>>,
): Promise<ClientRequest> {
  const tunnel = await node.portForward(target, target.port).catch((error: unknown) => {
    throw unreachable(error);
  });
  // Whoever serves inside a cluster signs its own certificate; the tunnel already ends in the right pod.
  const connection =
    target.scheme === 'https' ? connectTls({ socket: tunnel, rejectUnauthorized: false }) : tunnel;
  connection.once('close', () => tunnel.destroy());
  const prefix = proxyPrefix(call.info.path);
  const path = call.info.path.slice(prefix.length);
  const headers: OutgoingHttpHeaders = {
    ...requestHeaders(call.http?.headers ?? {}, forwardedFor(call), targetHost(target)),
    ...extra,
  };
  const request = httpRequest({
    createConnection: () => connection,
    method: methodOf(call),
    path: `${path === '' ? '/' : path}${queryOf(call)}`,
    headers,
  });
  return request;
}

async function askNode(node: NodeConnection, call: ApiCall, path: string): Promise<ApiResult> {
  const method = methodOf(call);
  if (method !== 'GET' && method !== 'HEAD') {
    throw methodNotSupported({ group: '', resource: 'nodes/proxy' }, method.toLowerCase());
  }
  if (node.get === undefined) {
    throw serviceUnavailable('this node has no server of its own');
  }
  const { status, contentType, body } = await node.get(path, call.query, call.signal);
  return typeof body === 'string'
    ? { kind: 'text', code: status, contentType, text: body }
    : { kind: 'bytes', code: status, contentType, chunks: body };
}

function redirect(location: string): ApiResult {
  const chunks = (async function* (): AsyncGenerator<Uint8Array> {})();
  return { kind: 'bytes', code: 301, contentType: '', headers: { location, 'content-length': '0' }, chunks };
}

function forwardedFor({ info, http }: ApiCall): ForwardedFor {
  const host = http?.headers[':authority'] ?? http?.headers.host ?? '';
  return { path: info.path, host: String(host) };
}

function targetHost({ ip, port }: PodTarget): string {
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}

function queryOf({ http, query }: ApiCall): string {
  const text = http?.query ?? query.toString();
  return text === '' ? '' : `?${text}`;
}

function methodOf({ http }: ApiCall): string {
  return http?.method ?? 'GET';
}

function bodyOf({ body }: ApiCall): Uint8Array | undefined {
  return body?.kind === 'bytes' ? body.bytes : undefined;
}

function unreachable(error: unknown): StatusError {
  return error instanceof StatusError
    ? error
    : serviceUnavailable(`error trying to reach service: ${describeError(error)}`);
}
