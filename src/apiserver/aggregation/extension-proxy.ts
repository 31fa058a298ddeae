import type { ClientRequest, IncomingMessage } from 'node:http';
import { serviceUnavailable } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { transportText } from '../admission/webhooks/webhook-client.ts';
import type { ServiceAddress } from '../admission/webhooks/service-resolver.ts';
import type { ApiCall, ApiResult } from '../endpoints/api-call.ts';
import { passedOn, requestHeaders } from '../endpoints/subresources/proxy-headers.ts';
import { tunnelUpgrade, type UpgradeConnection } from '../endpoints/subresources/upgrade-tunnel.ts';
import { answerTo, hostOf, type ExtensionClient } from './extension-client.ts';
import type { RemoteApi } from './remote-api.ts';
import { userHeaders } from './user-headers.ts';

/** Every client waits for discovery before it does anything, so an extension server may not take long over it. */
const DISCOVERY_TIMEOUT_MS = 5000;

const METHODS: Readonly<Record<string, string>> = {
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

export interface ExtensionProxyDeps {
  readonly client: ExtensionClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Carries a request to the server that answers its group and version, in the name of the user who asked. */
export async function serveExtension(
  deps: ExtensionProxyDeps,
  api: RemoteApi,
  call: ApiCall,
): Promise<ApiResult> {
  const address = addressOf(deps, api);
  if (address === undefined) {
    return refusal('service unavailable');
  }
  const aborting = new AbortController();
  const timer = isDiscovery(call)
    ? deps.clock.schedule(DISCOVERY_TIMEOUT_MS, () => aborting.abort())
    : undefined;
  const signal = AbortSignal.any([call.signal, aborting.signal]);
  try {
    const open = (): ClientRequest => openRequest(deps.client, { api, address, call });
    const response = await answerTo(open, { signal, body: bodyOf(call) });
    response.once('close', () => timer?.cancel());
    return carried(response);
  } catch (error) {
    timer?.cancel();
    const text = aborting.signal.aborted ? 'context deadline exceeded' : transportText(error, address);
    return refusal(`error trying to reach service: ${text}`);
  }
}

/** Carries a connection that asked to be upgraded. @throws {StatusError} nothing was written yet */
export async function upgradeExtension(
  deps: ExtensionProxyDeps,
  { api, call }: { readonly api: RemoteApi; readonly call: ApiCall },
  connection: UpgradeConnection,
): Promise<void> {
  const address = addressOf(deps, api);
  if (address === undefined) {
    throw serviceUnavailable('service unavailable');
  }
  const upgrade = { connection: 'Upgrade', upgrade: connection.request.headers.upgrade ?? '' };
  const request = openRequest(deps.client, { api, address, call }, upgrade);
  await tunnelUpgrade(request, connection, (error) =>
    serviceUnavailable(`error trying to reach service: ${transportText(error, address)}`),
  );
}

function addressOf({ client, log }: ExtensionProxyDeps, api: RemoteApi): ServiceAddress | undefined {
  if (!api.isAvailable) {
    return undefined;
  }
  const address = client.resolve(api);
  if (typeof address === 'string') {
    log.warn('an aggregated API leads nowhere', { apiService: api.name, why: address });
    return undefined;
  }
  return address;
}

function openRequest(
  client: ExtensionClient,
  {
    api,
    address,
    call,
  }: { readonly api: RemoteApi; readonly address: ServiceAddress; readonly call: ApiCall },
  extra: Readonly<Record<string, string>> = {},
): ClientRequest {
  const query = call.http?.query ?? call.query.toString();
  const host = hostOf(address);
  return client.open(api, address, {
    method: call.http?.method ?? METHODS[call.info.verb] ?? 'GET',
    path: `${call.http === undefined ? fullPath(call) : call.info.path}${query === '' ? '' : `?${query}`}`,
    headers: {
      ...requestHeaders(call.http?.headers ?? localHeaders(call), { path: call.info.path, host }, host),
      ...userHeaders(call.user),
      ...traceHeaders(call),
      ...extra,
    },
  });
}

/** By which the extension server can tell where the request came from, and its log be joined with ours. */
function traceHeaders({ http }: ApiCall): Readonly<Record<string, string>> {
  const before = http?.headers['x-forwarded-for'];
  const { remoteAddress, auditId } = http ?? {};
  const senders = [before, remoteAddress].flat().filter((each) => each !== undefined);
  return {
    ...(senders.length === 0 ? {} : { 'x-forwarded-for': senders.join(', ') }),
    ...(auditId === undefined ? {} : { 'audit-id': auditId }),
  };
}

/** Callers in this process name their subresource apart from the path. */
function fullPath({ info }: ApiCall): string {
  return info.subresource === '' || info.path.endsWith(`/${info.name}/${info.subresource}`)
    ? info.path
    : `${info.path}/${info.subresource}`;
}

function localHeaders({ body, userAgent }: ApiCall): Readonly<Record<string, string>> {
  return {
    accept: 'application/json',
    'user-agent': userAgent,
    ...(body === undefined ? {} : { 'content-type': body.contentType }),
  };
}

function bodyOf({ body }: ApiCall): Uint8Array | string | undefined {
  return body?.kind === 'bytes' ? body.bytes : body === undefined ? undefined : JSON.stringify(body.object);
}

function isDiscovery({ info }: ApiCall): boolean {
  return !info.isResource && info.path.split('/').filter((part) => part !== '').length === 3;
}

function carried(response: IncomingMessage): ApiResult {
  return {
    kind: 'bytes',
    code: response.statusCode ?? 502,
    contentType: response.headers['content-type'] ?? '',
    headers: passedOn(response.headers, () => true),
    chunks: response,
  };
}

/** As upstream's proxy says it: in plain text, whatever the client accepts. */
function refusal(message: string): ApiResult {
  const text = Buffer.from(`${message}\n`);
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-length': String(text.length),
  };
  const chunks = (async function* (): AsyncGenerator<Uint8Array> {
    yield text;
  })();
  return { kind: 'bytes', code: 503, contentType: 'text/plain; charset=utf-8', headers, chunks };
}
