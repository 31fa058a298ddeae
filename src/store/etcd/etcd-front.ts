import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface EtcdServerTls {
  readonly cert: string;
  readonly key: string;
  /** With it, clients have to show a certificate of this authority. */
  readonly clientCa?: string;
}

export interface EtcdFrontDeps {
  /** Takes over a connection on which gRPC is spoken; nothing has been read from it. */
  readonly serveGrpc: (socket: Socket) => void;
  /** Answers GET of a path with JSON or text; undefined for a path that is not served. */
  readonly serveHttp: (path: string) => Promise<string | undefined>;
}

/** Every HTTP/2 connection begins with this; HTTP/1.1 knows no such method. */
const HTTP2_PREFACE = 'PRI * HTTP/2.0';

/** One port for both: gRPC, and the plain HTTP by which programs ask whether an etcd is well. */
export class EtcdFront implements AsyncDisposable {
  readonly #deps: EtcdFrontDeps;
  readonly #http;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(deps: EtcdFrontDeps) {
    this.#deps = deps;
    this.#http = createHttpServer((request, response) => void this.#answer(request, response));
  }

  /**
   * Listens on one more address and returns its port.
   *
   * @throws {Error} the address is taken
   */
  listen(host: string, port: number, tls?: EtcdServerTls): Promise<number> {
    const server =
      tls === undefined
        ? createServer((socket) => this.#accept(socket))
        : createTlsServer(
            {
              cert: tls.cert,
              key: tls.key,
              ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true }),
              ALPNProtocols: ['h2', 'http/1.1'],
            },
            (socket) => this.#accept(socket),
          );
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      this.#servers.push(server);
      resolve((server.address() as AddressInfo).port);
    });
    return promise;
  }

  async close(): Promise<void> {
    const closed = this.#servers.map((server) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      return promise;
    });
    this.#sockets.forEach((socket) => socket.destroy());
    await Promise.all(closed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => this.#sockets.delete(socket));
    // A connection that breaks is the client's business.
    socket.on('error', () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const begun = first.toString('latin1', 0, HTTP2_PREFACE.length);
      if (begun === HTTP2_PREFACE.slice(0, begun.length)) {
        this.#deps.serveGrpc(socket);
      } else {
        this.#http.emit('connection', socket);
        socket.resume();
      }
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?');
    let text: string | undefined;
    try {
      text = await this.#deps.serveHttp(path);
    } catch {
      // What is wrong is in the log of whoever failed; whoever asks for health wants to know that something is.
      response.writeHead(503).end('{"health":"false","reason":"INTERNAL ERROR"}');
      return;
    }
    if (text === undefined) {
      response.writeHead(404).end('404 page not found\n');
      return;
    }
    response.setHeader('content-type', text.startsWith('{') ? 'application/json' : 'text/plain');
    response.end(text);
  }
}
