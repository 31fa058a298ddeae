import type { NodeNetwork } from '#kubelet/probes/node-network.ts';
import type { RequestHandler } from './container-function.ts';

const BODY_CHARS_MAX = 10 * 1024;
const USER_AGENT = 'kube-probe/1.36';

interface Listener {
  readonly handler: RequestHandler;
  /** Fires when nobody listens any more. */
  readonly closed: AbortSignal;
}

/** What functions serve, by the address of their pod and the port. No sockets are involved. */
export class PodNetwork {
  readonly #hosts = new Map<string, Map<number, Listener>>();

  /**
   * Serves until `closed` fires.
   *
   * @throws {Error} `EADDRINUSE`
   */
  listen(ip: string, port: number, listener: Listener): void {
    const ports = this.#hosts.get(ip) ?? new Map<number, Listener>();
    if (ports.has(port)) {
      throw socketError('EADDRINUSE', `listen EADDRINUSE: address already in use ${ip}:${port}`);
    }
    this.#hosts.set(ip, ports.set(port, listener));
    listener.closed.addEventListener(
      'abort',
      () => {
        ports.delete(port);
        if (ports.size === 0 && this.#hosts.get(ip) === ports) {
          this.#hosts.delete(ip);
        }
      },
      { once: true },
    );
  }

  /** Who answers there. @throws {Error} `ECONNREFUSED` */
  find(ip: string, port: number): Listener {
    const listener = this.#hosts.get(ip)?.get(port);
    if (listener === undefined) {
      throw socketError('ECONNREFUSED', `connect ECONNREFUSED ${ip}:${port}`);
    }
    return listener;
  }

  /** One request. @throws {Error} `ECONNREFUSED`, or `ECONNRESET` when the container ends before it answers */
  async send(ip: string, port: number, request: Request): Promise<Response> {
    const { handler, closed } = this.find(ip, port);
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const onClosed = (): void =>
      reject(socketError('ECONNRESET', `read ECONNRESET: the container at ${ip}:${port} ended`));
    const onAborted = (): void => reject(new DOMException('The operation was aborted', 'AbortError'));
    closed.addEventListener('abort', onClosed, { once: true });
    request.signal.addEventListener('abort', onAborted, { once: true });
    try {
      return await Promise.race([handler(request), ended]);
    } finally {
      closed.removeEventListener('abort', onClosed);
      request.signal.removeEventListener('abort', onAborted);
    }
  }

  /** As a kubelet sees it. */
  readonly ofNodes: NodeNetwork = {
    httpGet: async ({ host, port, path, headers }, signal) => {
      const url = new URL(path.startsWith('/') ? path : `/${path}`, `http://${host}:${port}`);
      const sent = new Headers({ 'User-Agent': USER_AGENT, Accept: '*/*' });
      headers.forEach(({ name, value }) => sent.set(name, value));
      const answer = await this.send(host, port, new Request(url, { headers: sent, signal }));
      const body = (await answer.text()).slice(0, BODY_CHARS_MAX);
      return { status: answer.status, body, isRedirectedAway: false };
    },
    connect: async (host, port) => {
      this.find(host, port);
    },
    checkGrpcHealth: async () => ({ result: 'error', output: 'functions do not answer gRPC probes' }),
  };
}

function socketError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
