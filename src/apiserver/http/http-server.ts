import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import { internalError, StatusError } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import { describeError, type Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Auditor } from '../audit/auditor.ts';
import { wantsImpersonation, type Impersonation } from '../authn/impersonation.ts';
import { ANONYMOUS, type Authenticator, type UserInfo } from '../authn/user.ts';
import type { ApiCall } from '../endpoints/api-call.ts';
import { attributesOf } from '../authz/request-attributes.ts';
import type { ApiHandler } from '../endpoints/api-handler.ts';
import type { RequestMetrics } from '../request-metrics.ts';
import {
  isLongRunning,
  type ClientPresence,
  type Passage,
  type RequestLimiter,
} from '../flow-control/request-limiter.ts';
import { isTrue, parseRequestInfo } from '../request-info.ts';
import { negotiate } from './negotiation.ts';
import { givenAuditId, recordRequest, recordStranger } from './http-audit.ts';
import { rejectOverload, seatedWatch, TOO_MANY_REQUESTS } from './limited-answer.ts';
import { bodyOf } from './request-body.ts';
import { RequestDeadlines, requestTimeout } from './request-deadlines.ts';
import { Responder } from './responder.ts';
import { sendValue, writeResult } from './write-result.ts';

/**
 * Stands between clients and the server, for tests of clients: waits to delay a request, throws to refuse it, or
 * says that the connection is to break before the request is done or before it is answered.
 */
export type Disturb = (call: ApiCall) => Promise<'nothing' | 'lose-request' | 'lose-answer'>;

export interface HttpServerDeps {
  readonly handler: ApiHandler;
  readonly authenticator: Authenticator;
  readonly impersonation: Impersonation;
  /** Takes over a connection for exec, attach, port-forward and proxied upgrades. */
  readonly upgrade: (
    call: ApiCall,
    connection: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  ) => Promise<void>;
  readonly limiter: RequestLimiter;
  /** Undefined where nothing is recorded. */
  readonly auditor: Auditor | undefined;
  /** How long a request may take that is no stream; also the most that one may ask for. */
  readonly requestTimeoutMs: number;
  /** Left out, nothing disturbs anybody. */
  readonly disturb?: Disturb | undefined;
  readonly metrics: RequestMetrics;
  readonly clock: Clock;
  /** Says when a request's time is over. Never virtual where clients are real. */
  readonly trafficClock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  /** Certificates that sign client certificates. */
  readonly clientCa: string;
}

type Request = IncomingMessage | Http2ServerRequest;

/** A call whose body is still to be read. */
type OpenCall = { -readonly [K in keyof ApiCall]: ApiCall[K] };

/** As Go's server takes: the words of a command stand in the address of its request. */
const HEADER_BYTES_MAX = 1024 * 1024;
const SWITCHING_PROTOCOLS = 101;
const GATEWAY_TIMEOUT = 504;

/** What metrics have for a request whose client never got an answer. */
const CONNECTION_LOST = 499;

/** How long a connection may stay without a request. */
const IDLE_MS = 120_000;

/** The HTTPS front: HTTP/2 and HTTP/1.1 on one port. It authenticates, hands over, and writes the answer. */
export class HttpServer implements AsyncDisposable {
  readonly #deps: HttpServerDeps;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Duplex>();
  readonly #deadlines: RequestDeadlines;
  #isClosing = false;

  constructor(deps: HttpServerDeps, options: HttpServerOptions) {
    this.#deps = deps;
    this.#deadlines = new RequestDeadlines(deps.trafficClock, deps.requestTimeoutMs);
    this.#server = createSecureServer({
      allowHTTP1: true,
      cert: options.cert,
      key: options.key,
      ca: options.clientCa,
      requestCert: true,
      // A client without a certificate may still show a token; certificates are checked by the authenticator.
      rejectUnauthorized: false,
      settings: {
        maxConcurrentStreams: 250,
        initialWindowSize: 1024 * 1024,
        maxHeaderListSize: HEADER_BYTES_MAX,
      },
    });
    // HTTP/1.1 connections look here for their bound; there is no option for it beside HTTP/2.
    Object.assign(this.#server, { maxHeaderSize: HEADER_BYTES_MAX });
    this.#server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
      void this.#serve(request, response);
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#upgrade(request, socket, head);
    });
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => this.#sockets.delete(socket));
      // A connection that breaks is the client's business; the requests on it end by their own signals.
      socket.on('error', () => socket.destroy());
    });
    this.#server.on('sessionError', (error: Error) => deps.log.debug('http/2 session ended', { error }));
    this.#server.setTimeout(IDLE_MS);
    // For HTTP/1.1 alone; Node's default of five seconds cuts clients off just as they ask again. Its types leave it out.
    Object.assign(this.#server, { keepAliveTimeout: IDLE_MS });
  }

  /**
   * Starts to accept connections and returns the port.
   *
   * @throws {Error} `EADDRINUSE` when the port is taken
   */
  listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.once('error', reject);
    this.#server.listen(port, host, () => {
      this.#server.off('error', reject);
      const address = this.#server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
    return promise;
  }

  /** Stops accepting and cuts what is open. */
  async close(): Promise<void> {
    if (this.#isClosing) {
      return;
    }
    this.#isClosing = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#deadlines.close();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: Request, response: ServerResponse | Http2ServerResponse): Promise<void> {
    const startMs = this.#deps.clock.monotonicMs();
    const departure = new Departure(response);
    const auditId = givenAuditId(request) ?? this.#deps.random.uuid();
    const responder = new Responder(response, auditId);
    let call: OpenCall | undefined;
    let passage: Passage | undefined;
    let deadline: Disposable | undefined;
    let inFlight: { value: number } | undefined;
    let code = 200;
    try {
      call = await this.#call(request, departure, auditId);
      responder.audit = call.audit;
      if (wantsImpersonation(request)) {
        await this.#impersonate(call, request);
      }
      deadline = this.#startDeadline(call, request, { responder, departure });
      const admission = this.#deps.limiter.admit(call, departure);
      passage = admission instanceof Promise ? await admission : admission;
      responder.addHeaders(passage.headers);
      if (responder.hasStarted) {
        code = GATEWAY_TIMEOUT;
      } else if (passage.isRejected) {
        this.#deps.metrics.terminated(call.info, TOO_MANY_REQUESTS);
        code = rejectOverload(responder, passage);
      } else {
        inFlight = this.#deps.metrics.enter(call.info);
        code = await this.#answer(call, request, responder, passage);
      }
    } catch (error) {
      code = this.#fail(responder, error, call, request);
    } finally {
      deadline?.[Symbol.dispose]();
      passage?.leave();
      if (inFlight !== undefined) {
        inFlight.value -= 1;
      }
      responder.audit?.completed();
      this.#deps.metrics.observe(call?.info, code, this.#deps.clock.monotonicMs() - startMs);
    }
  }

  /** Serves a request that has its seat. Its body is read now and not before: those that wait hold none. */
  async #answer(call: OpenCall, request: Request, responder: Responder, passage: Passage): Promise<number> {
    const { handler, limiter, clock, disturb } = this.#deps;
    const disturbance = disturb === undefined ? 'nothing' : await disturb(call);
    if (disturbance === 'lose-request') {
      responder.destroy();
      return CONNECTION_LOST;
    }
    // What is only carried answers in whatever form its own server likes.
    const form = negotiate(handler.isCarried(call) ? undefined : request.headers.accept);
    const asking = handler.askOthers(call);
    if (asking !== undefined) {
      await asking;
    }
    handler.authorize(call);
    call.body = await bodyOf(request);
    if (responder.hasStarted) {
      return GATEWAY_TIMEOUT;
    }
    call.audit?.requested(call.body);
    const result = await handler.answer(call);
    if (disturbance === 'lose-answer') {
      responder.destroy();
      return CONNECTION_LOST;
    }
    if (responder.hasStarted) {
      return GATEWAY_TIMEOUT;
    }
    if (call.info.verb === 'watch' && result.kind !== 'watch') {
      // Somebody else's stream: how far it is cannot be seen from here.
      passage.leave();
    }
    const seated = result.kind === 'watch' ? seatedWatch(result, call, { limiter, passage }) : result;
    await writeResult(responder, seated, {
      form,
      warnings: call.warnings,
      isPretty: isPretty(call.query.get('pretty'), request.headers['user-agent']),
      table: {
        includeObject: call.query.get('includeObject') ?? 'Metadata',
        nowMs: clock.nowMs(),
        noHeaders: false,
      },
      audit: call.audit,
    });
    return 'code' in result ? result.code : 200;
  }

  /** The call as its sender makes it. @throws {StatusError} Unauthorized for a credential that is not good */
  async #call(request: Request, departure: Departure, auditId: string): Promise<OpenCall> {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    const method = request.method ?? 'GET';
    const info = parseRequestInfo(method, path, query);
    const arrival = { auditId, info, receivedMs: this.#deps.clock.nowMs() };
    const user = await this.#authenticate(request, arrival);
    const { auditor } = this.#deps;
    const audit = auditor === undefined ? undefined : recordRequest(auditor, request, { ...arrival, user });
    return {
      info,
      query,
      user,
      audit,
      userAgent: request.headers['user-agent'] ?? '',
      body: undefined,
      http: {
        method,
        headers: request.headers,
        query: mark < 0 ? '' : url.slice(mark + 1),
        auditId,
        get remoteAddress() {
          return request.socket.remoteAddress;
        },
      },
      wantsAggregatedDiscovery: wantsAggregatedDiscovery(request.headers.accept),
      get signal() {
        return departure.signal;
      },
      warnings: [],
    };
  }

  /** Answers for a handler that takes too long, and tells it to stop. */
  #startDeadline(
    call: ApiCall,
    request: Request,
    { responder, departure }: { readonly responder: Responder; readonly departure: Departure },
  ): Disposable | undefined {
    if (isLongRunning(call.info)) {
      return undefined;
    }
    return this.#deadlines.start(call.query.get('timeout') ?? '', () => {
      this.#deps.metrics.terminated(call.info, GATEWAY_TIMEOUT);
      if (responder.hasStarted) {
        responder.destroy();
      } else {
        this.#fail(responder, requestTimeout(), call);
      }
      responder.hangUpOn(request);
      departure.end();
    });
  }

  async #authenticate(request: Request, arrival: Parameters<typeof recordStranger>[2]): Promise<UserInfo> {
    const { authenticator, auditor } = this.#deps;
    try {
      const user = await authenticator.authenticate({
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        peerCertificate: peerCertificate(request),
        url: request.url,
      });
      return user ?? ANONYMOUS;
    } catch (error) {
      if (auditor !== undefined) {
        recordStranger(auditor, request, arrival);
      }
      throw error;
    }
  }

  /** Lets the call be somebody else's, if its sender may. @throws {StatusError} Forbidden */
  async #impersonate(call: OpenCall, request: Request): Promise<void> {
    const { user, constraint } = await this.#deps.impersonation.impersonate(request, attributesOf(call));
    call.user = user;
    call.audit?.impersonated(user, constraint);
  }

  #fail(responder: Responder, error: unknown, call: ApiCall | undefined, request?: Request): number {
    const status =
      error instanceof StatusError ? error : internalError('the request could not be answered', error);
    if (!(error instanceof StatusError)) {
      this.#deps.log.error('request failed', {
        method: call?.http?.method ?? request?.method,
        path: call?.info.path ?? request?.url,
        error,
        stack: error instanceof Error ? error.stack : undefined,
      });
      responder.audit?.panicked(describeError(error));
    }
    if (responder.hasStarted) {
      responder.end();
      return status.code;
    }
    const form = negotiate(undefined);
    sendValue(responder, status.code, status.toStatus(), {
      form,
      warnings: call?.warnings ?? [],
      isPretty: false,
      audit: responder.audit,
    });
    return status.code;
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const departure = new Departure(socket);
    socket.on('error', () => socket.destroy());
    let audit: AuditTrail | undefined;
    socket.on('close', () => audit?.completed());
    try {
      const auditId = givenAuditId(request) ?? this.#deps.random.uuid();
      const call = await this.#call(request, departure, auditId);
      audit = call.audit;
      if (wantsImpersonation(request)) {
        await this.#impersonate(call, request);
      }
      await this.#deps.upgrade(call, { request, socket, head });
      audit?.started(SWITCHING_PROTOCOLS);
    } catch (error) {
      const status =
        error instanceof StatusError ? error : internalError('the connection could not be upgraded', error);
      audit?.failed(status);
      audit?.started(status.code);
      const body = JSON.stringify(status.toStatus());
      socket.end(
        `HTTP/1.1 ${status.code} ${status.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    }
  }
}

/** Made once: every request that waited ends with it, most of them long answered. */
const GONE = new DOMException('the client has gone', 'AbortError');

/** Knows when a client has gone. Few requests ask, so the signal is made for those alone. */
class Departure implements ClientPresence {
  #controller: AbortController | undefined;
  #callback: (() => void) | undefined;
  #hasGone = false;

  constructor(connection: { once(event: 'close', listener: () => void): unknown }) {
    connection.once('close', () => this.end());
  }

  end(): void {
    this.#hasGone = true;
    this.#controller?.abort(GONE);
    this.#callback?.();
  }

  /** At most one caller waits at a time: a request has one place in one queue. */
  onGone(callback: () => void): () => void {
    if (this.#hasGone) {
      callback();
    } else {
      this.#callback = callback;
    }
    return () => {
      this.#callback = undefined;
    };
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#hasGone) {
        this.#controller.abort(GONE);
      }
    }
    return this.#controller.signal;
  }
}

/** True when the newest form of discovery comes before the old ones in what the client accepts. */
/** People read what these programs show; `pretty=false` says otherwise. */
const READ_BY_PEOPLE = /^(?:curl|Wget|Mozilla\/5\.0)/;

function isPretty(asked: string | null, userAgent: string | undefined): boolean {
  return asked === null || asked === '' ? READ_BY_PEOPLE.test(userAgent ?? '') : isTrue(asked);
}

function wantsAggregatedDiscovery(accept: string | undefined): boolean {
  const first = accept
    ?.split(',')
    .find((range) => !range.includes('g=apidiscovery') || /v=v2(?:;|$)/.test(range.replaceAll(' ', '')));
  return first?.includes('g=apidiscovery') === true;
}

/** By connection. */
const certificates = new WeakMap<object, X509Certificate | null>();

/** The client's certificate, parsed once per connection. */
function peerCertificate(request: Request): X509Certificate | undefined {
  // With HTTP/2 every request shows the socket through an object of its own; the session is one for the connection.
  const connection = 'stream' in request ? (request.stream.session ?? request.socket) : request.socket;
  let certificate = certificates.get(connection);
  if (certificate === undefined) {
    certificate = (request.socket as TLSSocket).getPeerX509Certificate() ?? null;
    certificates.set(connection, certificate);
  }
  return certificate ?? undefined;
}
