import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { AuditTrail } from '../audit/audit-trail.ts';

/** A response of HTTP/1.1 or HTTP/2; both have these. */
export type Response = ServerResponse | Http2ServerResponse;

/** The part of both that writing needs, with one signature. */
interface Sink {
  writeHead(code: number, headers: Record<string, string | number | readonly string[]>): unknown;
  flushHeaders(): void;
  write(chunk: Uint8Array | string, written?: () => void): boolean;
  end(chunk?: Uint8Array | string): unknown;
  destroy(): unknown;
  once(event: 'drain' | 'close' | 'finish', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
  readonly destroyed?: boolean;
  readonly writableEnded: boolean;
  readonly headersSent: boolean;
}

/** Header lines of `Warning` may not be longer; clients cut there too. */
const WARNING_LENGTH_MAX = 256;
const WARNINGS_BYTES_MAX = 4096;

/** Writes one answer. Every method leaves the response in a state where only {@link end} or nothing is left to do. */
export class Responder {
  readonly #sink: Sink;
  readonly #auditId: string;
  #extra: Readonly<Record<string, string>> | undefined;
  /** What is recorded of the request; undefined for nothing. */
  audit: AuditTrail | undefined;

  constructor(response: Response, auditId: string) {
    // The two classes differ only in overloads that are not used here.
    this.#sink = response as unknown as Sink;
    this.#auditId = auditId;
  }

  get hasStarted(): boolean {
    return this.#sink.headersSent;
  }

  /** Headers for every answer to this request, whatever it comes to be. */
  addHeaders(headers: Readonly<Record<string, string>>): void {
    this.#extra = headers;
  }

  /** Sends the whole answer at once. */
  send(code: number, contentType: string, body: Uint8Array | string, warnings: readonly string[] = []): void {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    this.#writeHead(code, { ...this.#headers(contentType, warnings), 'content-length': length });
    this.#sink.end(body);
  }

  /** Sends the head of an answer whose body follows in pieces. */
  start(code: number, contentType: string, warnings: readonly string[] = []): void {
    this.#writeHead(code, this.#headers(contentType, warnings));
  }

  /** Sends the head of an answer that somebody else wrote. */
  startWithHeaders(code: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    this.#writeHead(code, {
      'audit-id': this.#auditId,
      'cache-control': 'no-cache, private',
      ...this.#extra,
      ...headers,
    });
  }

  /** Sends the head now: a client of a stream waits for it, long before there is a first piece. */
  startStream(code: number, contentType: string, warnings: readonly string[] = []): void {
    this.start(code, contentType, warnings);
    this.#sink.flushHeaders();
  }

  /** Adds a header; before the answer starts. */
  sendWithHeaders(code: number, headers: Readonly<Record<string, string>>, body: Uint8Array | string): void {
    this.#writeHead(code, { ...this.#headers('text/plain; charset=utf-8', []), ...headers });
    this.#sink.end(body);
  }

  /**
   * Writes a piece and waits while the client is slower than we are. False once the client has gone.
   *
   * @param written runs when the bytes of the chunk are no longer needed; never, if the client goes before
   */
  async write(chunk: Uint8Array | string, written?: () => void): Promise<boolean> {
    if (this.#isGone()) {
      return false;
    }
    if (this.#sink.write(chunk, written)) {
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sink.once('drain', resolve);
    this.#sink.once('close', resolve);
    await promise;
    this.#sink.off('drain', resolve);
    this.#sink.off('close', resolve);
    return !this.#isGone();
  }

  end(): void {
    if (!this.#sink.writableEnded) {
      this.#sink.end();
    }
  }

  /** Breaks the answer off, so that the client sees that it is not whole. */
  destroy(): void {
    this.#sink.destroy();
  }

  /** Reads no more of a request that was answered before all of it had come: who holds a seat must not wait for the rest. */
  hangUpOn(request: { readonly complete: boolean; destroy(): unknown }): void {
    if (!request.complete) {
      this.#sink.once('finish', () => request.destroy());
    }
  }

  #writeHead(code: number, headers: Record<string, string | number | readonly string[]>): void {
    this.audit?.started(code);
    this.#sink.writeHead(code, headers);
  }

  #isGone(): boolean {
    return this.#sink.writableEnded || this.#sink.destroyed === true;
  }

  #headers(contentType: string, warnings: readonly string[]): Record<string, string | readonly string[]> {
    const headers: Record<string, string | readonly string[]> = {
      'audit-id': this.#auditId,
      'cache-control': 'no-cache, private',
      'content-type': contentType,
      ...this.#extra,
    };
    if (warnings.length > 0) {
      headers['warning'] = warningHeaders(warnings);
    }
    return headers;
  }
}

/** RFC 7234 warnings with code 299, each once, cut to what clients take. */
function warningHeaders(warnings: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let bytes = 0;
  for (const warning of new Set(warnings)) {
    // Header values are Latin-1 without control characters.
    const text = warning.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, WARNING_LENGTH_MAX);
    const line = `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    bytes += line.length;
    if (bytes > WARNINGS_BYTES_MAX) {
      break;
    }
    lines.push(line);
  }
  return lines;
}
