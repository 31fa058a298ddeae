import { Client, credentials, status } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { assert, defined } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import { StoreUnavailableError } from '../store.ts';
import type { Method } from './methods.ts';

/** PEM text; the client certificate only where etcd asks for one. */
export interface EtcdTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface EtcdChannelOptions {
  /** As `--etcd-servers` takes them: `http://127.0.0.1:2379` or `https://…`, at least one. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls | undefined;
  readonly clock: Clock;
}

/** How long one call goes on looking for a member that answers. */
const RETRY_MS = 10_000;
const BACKOFF_MS = 50;
/** A call that no member has answered by then is given up. */
const DEADLINE_MS = 30_000;

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.enable_retries': 0,
};

/** A word from etcd that is no answer; `code` is gRPC's. */
export class EtcdCallError extends Error {
  override readonly name = 'EtcdCallError';
  readonly code = 'store/etcd-call';
  readonly status: status;
  readonly details: string;

  constructor({ code, details }: Pick<ServiceError, 'code' | 'details'>) {
    super(`etcd: ${details}`);
    this.status = code;
    this.details = details;
  }
}

/** Connections to the members of one etcd cluster. One is in use at a time; when it fails, the next one is tried. */
export class EtcdChannel {
  readonly #clients: readonly Client[];
  readonly #clock: Clock;
  #current = 0;

  constructor({ endpoints, tls, clock }: EtcdChannelOptions) {
    assert(endpoints.length > 0, 'an etcd cluster has an endpoint');
    this.#clock = clock;
    this.#clients = endpoints.map((endpoint) => connect(endpoint, tls));
  }

  /**
   * Asks one question. `isRepeatable` says that asking it twice does no harm, so that it is asked again
   * also when a member may have heard it.
   *
   * @throws {EtcdCallError} etcd refused
   * @throws {StoreUnavailableError} no member answered
   */
  async call<Request extends object, Response extends object>(
    method: Method<Request, Response>,
    request: Partial<Request>,
    isRepeatable: boolean,
  ): Promise<Response> {
    const startMs = this.#clock.monotonicMs();
    for (;;) {
      const index = this.#current;
      try {
        return await this.#ask(index, method, request);
      } catch (error) {
        if (!(error instanceof EtcdCallError) || !isOutage(error)) {
          throw error;
        }
        this.failOver(index);
        const mayRepeat = isRepeatable || wasNeverSent(error);
        if (!mayRepeat || this.#clock.monotonicMs() - startMs >= RETRY_MS) {
          throw new StoreUnavailableError(error);
        }
      }
      await this.#clock.sleep(BACKOFF_MS);
    }
  }

  /** Opens a stream to the member in use. `failOver` is the caller's matter: it knows whether the stream got anywhere. */
  open<Request extends object, Response extends object>(
    method: Method<Request, Response>,
  ): { readonly stream: ClientDuplexStream<Partial<Request>, Response>; readonly member: number } {
    const member = this.#current;
    const stream = this.#client(member).makeBidiStreamRequest<Partial<Request>, Response>(
      method.path,
      (message) => method.request.encode(message),
      (bytes) => method.response.decode(bytes),
    );
    return { stream, member };
  }

  /** Turns to the next member, unless somebody has already done so. */
  failOver(member: number): void {
    if (this.#current === member) {
      this.#current = (member + 1) % this.#clients.length;
    }
  }

  close(): void {
    for (const client of this.#clients) {
      client.close();
    }
  }

  #client(index: number): Client {
    return defined(this.#clients[index], 'the member in use');
  }

  async #ask<Request extends object, Response extends object>(
    index: number,
    method: Method<Request, Response>,
    request: Partial<Request>,
  ): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.#client(index).makeUnaryRequest<Partial<Request>, Response>(
      method.path,
      (message) => method.request.encode(message),
      (bytes) => method.response.decode(bytes),
      request,
      { deadline: this.#clock.nowMs() + DEADLINE_MS },
      (error, response) => {
        if (error === null && response !== undefined) {
          resolve(response);
        } else {
          reject(new EtcdCallError(error ?? { code: status.INTERNAL, details: 'no response' }));
        }
      },
    );
    return promise;
  }
}

/** Another member, or the same one a little later, may answer. */
function isOutage({ status: code }: EtcdCallError): boolean {
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED;
}

function wasNeverSent({ details }: EtcdCallError): boolean {
  return details.includes('No connection established') || details.includes('etcdserver: no leader');
}

/** @throws {TypeError} the endpoint is no URL */
function connect(endpoint: string, tls: EtcdTls | undefined): Client {
  const url = new URL(endpoint.includes('://') ? endpoint : `http://${endpoint}`);
  const isSecure = url.protocol === 'https:';
  return new Client(
    `${url.hostname}:${url.port === '' ? '2379' : url.port}`,
    isSecure ? secure(tls) : credentials.createInsecure(),
    CHANNEL_OPTIONS,
  );
}

function secure(tls: EtcdTls | undefined): ChannelCredentials {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert));
}
