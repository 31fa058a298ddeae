import { once } from 'node:events';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#base/clock.ts';
import { readAtMost } from '#base/read-at-most.ts';
import { transportText } from '../admission/webhooks/webhook-client.ts';
import type { ServiceAddress, ServiceResolver } from '../admission/webhooks/service-resolver.ts';
import type { UserInfo } from '../authn/user.ts';
import type { RemoteApi } from './remote-api.ts';
import { userHeaders } from './user-headers.ts';

/** Answers to the server's own questions; longer ones are cut off with an error. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Connections to one extension server that may wait for the next request. */
const FREE_SOCKETS_MAX = 25;

/** As whom the server asks extension servers on its own behalf. */
const AGGREGATOR: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'], extra: {} };

export interface ExtensionClientOptions {
  readonly services: ServiceResolver;
  readonly clock: Clock;
  /** The front proxy's certificate, by which extension servers know who speaks. */
  readonly credential: { readonly certificatePem: string; readonly keyPem: string } | undefined;
}

export interface ExtensionRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
}

export interface ExtensionAnswer {
  readonly code: number;
  readonly contentType: string;
  readonly body: string;
}

/** What an agent was made for; with other values it is made anew. */
interface Trust {
  readonly authorityPem: string | undefined;
  readonly isInsecure: boolean;
  readonly service: RemoteApi['service'];
}

/** Connections to extension servers, kept open between requests. Whoever makes one closes it. */
export class ExtensionClient implements Disposable {
  readonly #options: ExtensionClientOptions;
  /** By APIService; {@link forget} drops them. */
  readonly #agents = new Map<string, { readonly trust: Trust; readonly agent: Agent }>();

  constructor(options: ExtensionClientOptions) {
    this.#options = options;
  }

  /** Where the API is served right now, or why nowhere. */
  resolve({ service: { namespace, name, port } }: RemoteApi): ServiceAddress | string {
    return this.#options.services.resolve(namespace, name, port);
  }

  /** Opens a request with the API's own trust; the caller sends its body. */
  open(api: RemoteApi, address: ServiceAddress, wanted: ExtensionRequest): ClientRequest {
    return httpsRequest({ ...address, ...wanted, agent: this.#agentOf(api), servername: serverName(api) });
  }

  /** Asks on the server's own behalf, as an administrator. @throws {Error} for what broke on the way */
  async get(
    api: RemoteApi,
    path: string,
    { accept, timeoutMs }: { readonly accept: string; readonly timeoutMs: number },
  ): Promise<ExtensionAnswer> {
    const address = this.resolve(api);
    if (typeof address === 'string') {
      throw new Error(address);
    }
    const headers = { host: hostOf(address), accept, ...userHeaders(AGGREGATOR) };
    return this.#within(timeoutMs, address, (signal) =>
      readAnswer(() => this.open(api, address, { method: 'GET', path, headers }), signal),
    );
  }

  /** One look whether an API is served, whatever its certificate says. @returns the status code */
  async probe(address: ServiceAddress, path: string, timeoutMs: number): Promise<number> {
    const { credential } = this.#options;
    return this.#within(timeoutMs, address, async (signal) => {
      const request = httpsRequest({
        ...address,
        path,
        agent: false,
        rejectUnauthorized: false,
        ...tlsOf(credential),
        headers: { host: hostOf(address), ...userHeaders(AGGREGATOR) },
        signal,
      });
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.destroy();
      return response.statusCode ?? 0;
    });
  }

  /** Closes the connections of an API that is no longer registered. */
  forget(name: string): void {
    this.#agents.get(name)?.agent.destroy();
    this.#agents.delete(name);
  }

  [Symbol.dispose](): void {
    this.#agents.forEach(({ agent }) => agent.destroy());
    this.#agents.clear();
  }

  async #within<T>(
    timeoutMs: number,
    address: ServiceAddress,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const aborting = new AbortController();
    const timer = this.#options.clock.schedule(timeoutMs, () => aborting.abort());
    try {
      return await run(aborting.signal);
    } catch (error) {
      const text = aborting.signal.aborted
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : transportText(error, address);
      throw new Error(text, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  #agentOf(api: RemoteApi): Agent {
    const { authorityPem, isInsecure, service } = api;
    const trust = { authorityPem, isInsecure, service };
    const known = this.#agents.get(api.name);
    if (known !== undefined && isDeepStrictEqual(known.trust, trust)) {
      return known.agent;
    }
    known?.agent.destroy();
    const agent = new Agent({
      keepAlive: true,
      maxFreeSockets: FREE_SOCKETS_MAX,
      rejectUnauthorized: !isInsecure,
      ...tlsOf(this.#options.credential),
      ...(authorityPem === undefined ? {} : { ca: authorityPem }),
    });
    this.#agents.set(api.name, { trust, agent });
    return agent;
  }
}

/** What the certificate of an API's server has to be made for. */
function serverName({ service: { name, namespace } }: RemoteApi): string {
  return `${name}.${namespace}.svc`;
}

function tlsOf(credential: ExtensionClientOptions['credential']): { cert?: string; key?: string } {
  return credential === undefined ? {} : { cert: credential.certificatePem, key: credential.keyPem };
}

/** As it stands in URLs and in `Host`. */
export function hostOf({ host, port }: ServiceAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Sends a request and waits for its answer to begin. A server that was started anew has closed the
 * connections kept for it: who only reads is not to notice, and is asked for over the next one.
 */
export async function answerTo(
  open: () => ClientRequest,
  { signal, body }: { readonly signal: AbortSignal; readonly body?: Uint8Array | string | undefined },
): Promise<IncomingMessage> {
  const request = open();
  signal.addEventListener('abort', () => request.destroy(), { once: true });
  try {
    const answer = once(request, 'response');
    request.end(body);
    const [response] = (await answer) as [IncomingMessage];
    // What breaks from here on ends the body, which whoever reads it sees.
    request.on('error', (error) => response.destroy(error));
    return response;
  } catch (error) {
    if (signal.aborted || !wasClosedBefore(request, error)) {
      throw error;
    }
    return await answerTo(open, { signal, body });
  }
}

/** Each such connection is gone afterwards, so a new one comes in the end. */
function wasClosedBefore({ reusedSocket, method }: ClientRequest, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return (
    reusedSocket && (method === 'GET' || method === 'HEAD') && (code === 'ECONNRESET' || code === 'EPIPE')
  );
}

async function readAnswer(open: () => ClientRequest, signal: AbortSignal): Promise<ExtensionAnswer> {
  const response = await answerTo(open, { signal });
  const body = await readAtMost(response, ANSWER_BYTES_MAX);
  return {
    code: response.statusCode ?? 0,
    contentType: response.headers['content-type'] ?? '',
    body: body.toString(),
  };
}
