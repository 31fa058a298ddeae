import { connect, type TLSSocket } from 'node:tls';

export interface Endpoint {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Response {
  readonly status: number;
  /** Bytes of the body. */
  readonly length: number;
  /** Present when the body was asked for, or for a refusal. */
  readonly body: string;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/**
 * One HTTP/1.1 connection that is kept, over TLS with a client certificate. It does as little as a client can,
 * because it shares the machine with the server it measures. One request at a time.
 */
export class KeepAlive {
  readonly #socket: TLSSocket;
  #rest: Buffer = Buffer.alloc(0);
  #status = 0;
  #length = 0;
  #kept: Buffer[] = [];
  #isKept = false;
  /** Bytes of the current body or chunk that are still to come; -1 in a head, -2 in a chunk's size line. */
  #remaining = -1;
  #isChunked = false;
  #isLast = false;
  #waiting: PromiseWithResolvers<Response> | undefined;
  /** Set while a watch is open: takes every piece as it comes. */
  #sink: ((piece: Buffer) => void) | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (piece: Buffer) => (this.#sink === undefined ? this.#read(piece) : this.#sink(piece)));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
  }

  static async open({ port, ca, cert, key }: Endpoint): Promise<KeepAlive> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ host: '127.0.0.1', port, ca, cert, key, servername: 'localhost' }, resolve);
    socket.setNoDelay(true);
    socket.once('error', reject);
    await promise;
    socket.off('error', reject);
    return new KeepAlive(socket);
  }

  request(text: string, keepsBody = false): Promise<Response> {
    this.#waiting = Promise.withResolvers<Response>();
    this.#isKept = keepsBody;
    this.#socket.write(text);
    return this.#waiting.promise;
  }

  /** Sends a request whose answer never ends; `sink` takes its raw bytes, head and framing included. */
  stream(text: string, sink: (piece: Buffer) => void): void {
    this.#sink = sink;
    this.#socket.write(text);
  }

  /** False once the server has closed it, which it does with a connection that idles for some seconds. */
  get isOpen(): boolean {
    return this.#socket.writable;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(piece: Buffer): void {
    let rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    for (;;) {
      if (this.#remaining === -1) {
        const end = rest.indexOf(HEAD_END);
        if (end < 0) {
          break;
        }
        this.#startBody(rest.toString('latin1', 0, end));
        rest = rest.subarray(end + HEAD_END.length);
      }
      if (this.#remaining === -2) {
        const end = rest.indexOf(LINE_END);
        if (end < 0) {
          break;
        }
        this.#remaining = Number.parseInt(rest.toString('latin1', 0, end), 16);
        rest = rest.subarray(end + LINE_END.length);
        // The empty chunk ends the body. Every chunk is followed by a line end of its own, the last one too.
        this.#isLast = this.#remaining === 0;
        this.#remaining += LINE_END.length;
      }
      const taken = Math.min(this.#remaining, rest.length);
      this.#take(rest.subarray(0, taken));
      rest = rest.subarray(taken);
      if (this.#remaining > 0) {
        break;
      }
      if (!this.#isChunked || this.#isLast) {
        this.#finish();
        break;
      }
      this.#remaining = -2;
    }
    this.#rest = rest;
  }

  #startBody(head: string): void {
    this.#status = Number(head.slice(9, 12));
    this.#kept = [];
    this.#length = 0;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    this.#isChunked = length === null;
    this.#isLast = false;
    this.#remaining = length === null ? -2 : Number(length[1]);
  }

  #take(bytes: Buffer): void {
    this.#length += bytes.length;
    this.#remaining -= bytes.length;
    if (this.#isKept || this.#status >= 300) {
      this.#kept.push(bytes);
    }
  }

  #finish(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#remaining = -1;
    waiting?.resolve({
      status: this.#status,
      length: this.#length,
      body: Buffer.concat(this.#kept).toString(),
    });
  }
}

export interface RequestText {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

export function requestText({
  method,
  path,
  body = '',
  contentType = 'application/json',
}: RequestText): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\nuser-agent: bench\r\n`;
  return body === ''
    ? `${head}\r\n`
    : `${head}content-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
