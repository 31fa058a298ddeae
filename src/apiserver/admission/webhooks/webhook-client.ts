import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Agent, request as httpsRequest } from 'node:https';
import type { WebhookClientConfig } from '#api/types/admissionregistration.v1.ts';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/log.ts';
import { readAtMost } from '#base/read-at-most.ts';
import type { ServiceAddress, ServiceResolver } from './service-resolver.ts';

/** Answers past this are no reviews. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** Connections kept per webhook; more requests wait. */
const SOCKETS_MAX = 100;

/** How long a connection may lie idle. */
const IDLE_MS = 60_000;

/** Different client configurations remembered; the oldest one's connections are closed beyond. */
const AGENTS_MAX = 100;

export type WebhookAnswer =
  | { readonly kind: 'answered'; readonly value: unknown }
  | {
      readonly kind: 'failed';
      readonly why: string;
      /** The status of the answer, if there was one. */
      readonly code?: number;
    };

export interface WebhookClientDeps {
  readonly clock: Clock;
  readonly services: ServiceResolver;
}

interface Target {
  /** As the webhook calls itself; what messages say. */
  readonly url: URL;
  readonly host: string;
  readonly port: number;
}

/** Posts reviews to webhooks over connections that stay open. Whoever makes one closes it. */
export class WebhookClient implements Disposable {
  readonly #deps: WebhookClientDeps;
  readonly #agents = new Map<string, Agent>();

  constructor(deps: WebhookClientDeps) {
    this.#deps = deps;
  }

  /** Asks, and waits no longer than the given time. Never throws for what the other side does. */
  async post(config: WebhookClientConfig, body: object, timeoutSeconds: number): Promise<WebhookAnswer> {
    const target = this.#targetOf(config);
    if (typeof target === 'string') {
      return { kind: 'failed', why: target };
    }
    target.url.searchParams.set('timeout', `${timeoutSeconds}s`);
    const aborting = new AbortController();
    const timer = this.#deps.clock.schedule(timeoutSeconds * 1000, () => aborting.abort());
    try {
      return await this.#send(config, target, JSON.stringify(body), aborting.signal);
    } catch (error) {
      const why = aborting.signal.aborted ? 'context deadline exceeded' : transportText(error, target);
      return {
        kind: 'failed',
        why: `failed to call webhook: Post ${JSON.stringify(target.url.href)}: ${why}`,
      };
    } finally {
      timer.cancel();
    }
  }

  [Symbol.dispose](): void {
    this.#agents.forEach((agent) => agent.destroy());
    this.#agents.clear();
  }

  async #send(
    config: WebhookClientConfig,
    { url, host, port }: Target,
    body: string,
    signal: AbortSignal,
  ): Promise<WebhookAnswer> {
    const request = httpsRequest({
      agent: this.#agentOf(config),
      method: 'POST',
      host,
      port,
      path: `${url.pathname}${url.search}`,
      // Certificates for addresses are checked against the address; TLS has no name to send for it.
      ...(config.service === undefined && isIP(host) !== 0 ? {} : { servername: url.hostname }),
      headers: {
        host: url.host,
        accept: 'application/json',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'kube-apiserver-admission',
      },
      signal,
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const text = (await readAtMost(response, ANSWER_BYTES_MAX)).toString();
    const code = response.statusCode ?? 0;
    if (code !== 200) {
      return { kind: 'failed', why: `failed to call webhook: ${refusalText(code, text)}`, code };
    }
    try {
      return { kind: 'answered', value: JSON.parse(text) };
    } catch (error) {
      return {
        kind: 'failed',
        why: `failed to call webhook: couldn't decode the answer: ${describeError(error)}`,
      };
    }
  }

  #targetOf({ url, service }: WebhookClientConfig): Target | string {
    if (url !== undefined) {
      const parsed = new URL(url);
      const host = parsed.hostname.replaceAll(/^\[|\]$/g, '');
      return { url: parsed, host, port: parsed.port === '' ? 443 : Number(parsed.port) };
    }
    if (service === undefined) {
      return 'webhook configuration must have either service or URL';
    }
    const { namespace, name, path = '', port = 443 } = service;
    const address = this.#deps.services.resolve(namespace, name, port);
    if (typeof address === 'string') {
      return `failed to call webhook: ${address}`;
    }
    return { url: new URL(`https://${name}.${namespace}.svc:${port}${path}`), ...address };
  }

  #agentOf(config: WebhookClientConfig): Agent {
    const key = JSON.stringify([config.url, config.service, config.caBundle]);
    const known = this.#agents.get(key);
    if (known !== undefined) {
      return known;
    }
    const { caBundle } = config;
    const agent = new Agent({
      keepAlive: true,
      maxSockets: SOCKETS_MAX,
      timeout: IDLE_MS,
      ...(caBundle === undefined ? {} : { ca: Buffer.from(caBundle, 'base64').toString() }),
    });
    this.#agents.set(key, agent);
    const [oldest] = this.#agents;
    if (this.#agents.size > AGENTS_MAX && oldest !== undefined) {
      oldest[1].destroy();
      this.#agents.delete(oldest[0]);
    }
    return agent;
  }
}

/** The commonest failures in the words that people search for. */
export function transportText(error: unknown, { host, port }: ServiceAddress): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ECONNREFUSED':
      return `dial tcp ${host}:${port}: connect: connection refused`;
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    default:
      return describeError(error);
  }
}

/** In the words of upstream's own client. */
function refusalText(code: number, body: string): string {
  if (code === 404) {
    return 'the server could not find the requested resource';
  }
  return code >= 500
    ? `an error on the server (${JSON.stringify(body.trim().slice(0, 2048) || 'unknown')}) has prevented the request from succeeding`
    : `the server rejected our request for an unknown reason (status ${code})`;
}
