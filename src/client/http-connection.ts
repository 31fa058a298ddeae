import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { connect as connectTls, type TLSSocket, type ConnectionOptions } from 'node:tls';
import type { Clock, Timer } from '#base/clock.ts';
import { ConnectionError } from './transport.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as it comes. Must be read to its end or returned from early; either frees the stream. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Trust and identity of a TLS connection, all in PEM. */
export interface TlsIdentity {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name to check the server's certificate against, when it is not the host's. */
  readonly serverName?: string | undefined;
  /** Accepts any certificate. */
  readonly isInsecure?: boolean | undefined;
}

/** A connection without a frame for so long is asked whether it still lives… */
const PING_AFTER_MS = 30_000;
/** …and is given up without an answer in this time. A silent network would otherwise hold a watch for ever. */
const PING_ANSWER_MS = 15_000;

/**
 * HTTP to one server. Over TLS, HTTP/2 where the server speaks it (one connection carries all requests and
 * watches), else HTTP/1.1 with kept-alive connections. Connects on first use and again after a loss.
 */
export class HttpConnection implements AsyncDisposable {
  readonly #origin: URL;
  readonly #tls: ConnectionOptions;
  readonly #clock: Clock;
  #session: Promise<ClientHttp2Session | 'http/1.1'> | undefined;
  /** The session that `#session` came to, while it lives. */
  #live: ClientHttp2Session | undefined;
  readonly #agent: HttpAgent;

  constructor(origin: URL, tls: TlsIdentity, clock: Clock) {
    this.#origin = origin;
    this.#clock = clock;
    this.#tls = {
      host: origin.hostname.replace(/^\[|\]$/g, ''),
      port: Number(origin.port === '' ? '443' : origin.port),
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key,
      rejectUnauthorized: tls.isInsecure !== true,
      ...serverNameOf(origin, tls.serverName),
    };
    this.#agent =
      origin.protocol === 'https:'
        ? new HttpsAgent({ keepAlive: true, ...this.#tls })
        : new HttpAgent({ keepAlive: true });
  }

  /**
   * @throws {ConnectionError} no answer came
   * @throws {DOMException} `AbortError` when `signal` fires before the answer; later it ends the body
   */
  async send(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer> {
    signal?.throwIfAborted();
    const session = this.#origin.protocol === 'https:' ? await this.#connected() : 'http/1.1';
    return session === 'http/1.1'
      ? await this.#sendHttp1(request, signal)
      : await sendHttp2(session, this.#origin, request, signal);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    const opening = this.#session;
    this.#session = undefined;
    const [opened] = await Promise.allSettled([opening]);
    if (opened.status === 'fulfilled' && typeof opened.value === 'object') {
      opened.value.destroy();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #connected(): Promise<ClientHttp2Session | 'http/1.1'> {
    const opening = (this.#session ??= this.#open());
    try {
      return await opening;
    } catch (error) {
      if (this.#session === opening) {
        this.#session = undefined;
      }
      throw error;
    }
  }

  async #open(): Promise<ClientHttp2Session | 'http/1.1'> {
    const socket = await this.#openSocket();
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      return 'http/1.1';
    }
    const session = connectHttp2(this.#origin, { createConnection: () => socket });
    const stopPinging = keepAlive(session, this.#clock);
    this.#live = session;
    const forget = (): void => {
      stopPinging();
      this.#forget(session);
    };
    session.once('close', forget);
    session.once('goaway', () => this.#forget(session));
    // Each stream reports the loss to its own caller; without a listener the session's would be uncaught.
    session.on('error', forget);
    return session;
  }

  /** The next request opens a new connection, unless one was opened in the meantime. */
  #forget(session: ClientHttp2Session): void {
    if (this.#live === session) {
      this.#live = undefined;
      this.#session = undefined;
    }
  }

  #openSocket(): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ ...this.#tls, ALPNProtocols: ['h2', 'http/1.1'] });
      const onError = (cause: Error): void => reject(lost(this.#origin, cause));
      socket.once('error', onError);
      socket.once('secureConnect', () => {
        socket.off('error', onError);
        resolve(socket);
      });
    });
  }

  #sendHttp1({ method, path, headers, body }: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer> {
    const send = this.#origin.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const request = send(new URL(path, this.#origin), {
        method,
        headers,
        agent: this.#agent,
        ...(signal === undefined ? {} : { signal }),
      });
      request.once('error', (cause) =>
        reject(signal?.aborted === true ? signal.reason : lost(this.#origin, cause)),
      );
      request.once('response', (response: IncomingMessage) => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: guarded(response, this.#origin, signal),
        });
      });
      request.end(body);
    });
  }
}

function sendHttp2(
  session: ClientHttp2Session,
  origin: URL,
  { method, path, headers, body }: HttpRequest,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (session.destroyed || session.closed) {
      reject(lost(origin, new Error('the connection closed')));
      return;
    }
    const stream = session.request(
      { ...headers, [constants.HTTP2_HEADER_METHOD]: method, [constants.HTTP2_HEADER_PATH]: path },
      { endStream: body === undefined, ...(signal === undefined ? {} : { signal }) },
    );
    stream.once('response', (answer) => {
      resolve({ status: answer[':status'] ?? 0, headers: answer, body: guarded(stream, origin, signal) });
    });
    stream.on('error', (cause: Error) =>
      reject(signal?.aborted === true ? signal.reason : lost(origin, cause)),
    );
    stream.once('close', () => reject(lost(origin, new Error('the stream closed without an answer'))));
    if (body !== undefined) {
      stream.end(body);
    }
  });
}

/** Hands the chunks on, and words a loss half-way as what it is. */
async function* guarded(
  body: AsyncIterable<Uint8Array>,
  origin: URL,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw signal?.aborted === true ? signal.reason : lost(origin, cause);
  }
}

function lost(origin: URL, cause: unknown): ConnectionError {
  return new ConnectionError(`talk to ${origin.origin}`, { cause });
}

/** Pings while streams are open, and destroys the session when nothing comes back. Returns what stops it. */
function keepAlive(session: ClientHttp2Session, clock: Clock): () => void {
  let timer: Timer;
  const schedule = (): void => {
    timer = clock.schedule(PING_AFTER_MS, () => {
      // Destroyed a moment ago, and its `close` still to come.
      if (session.destroyed) {
        return;
      }
      const giveUp = clock.schedule(PING_ANSWER_MS, () => session.destroy(new Error('no answer to a ping')));
      timer = giveUp;
      session.ping((error) => {
        giveUp.cancel();
        if (error === null && !session.destroyed) {
          schedule();
        }
      });
    });
  };
  schedule();
  return () => timer.cancel();
}

function serverNameOf(origin: URL, serverName: string | undefined): { servername?: string } {
  if (serverName !== undefined) {
    return { servername: serverName };
  }
  // An address is no server name; TLS forbids sending one.
  return /^[\d.]+$|^\[/.test(origin.hostname) ? {} : { servername: origin.hostname };
}
