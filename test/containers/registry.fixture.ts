import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a test wants of a blob instead of its bytes. */
export type Tamper = (bytes: Buffer) => Buffer;

/** A registry of the distribution API, version 2, that only serves what a test put in. */
export class TestRegistry {
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();
  /** By tag or digest, or by `path:tag` for one repository alone. */
  readonly #manifests = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  /** Path and method of each request, in order. */
  readonly requests: string[] = [];
  /** `basic` asks for user:secret; `bearer` for a token that user:secret buys at `/token`. */
  auth: 'none' | 'basic' | 'bearer' = 'none';
  tamper: Tamper = (bytes) => bytes;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<TestRegistry> {
    const registry = new TestRegistry();
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  get host(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `127.0.0.1:${port}`;
  }

  /** Keeps a blob, and returns a descriptor of it. */
  blob(bytes: Buffer, mediaType: string): { mediaType: string; digest: string; size: number } {
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  manifest(
    name: string,
    document: object,
    type: string,
  ): { mediaType: string; digest: string; size: number } {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    this.#manifests.set(name, { bytes, type });
    this.#manifests.set(digest, { bytes, type });
    return { mediaType: type, digest, size: bytes.length };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', `http://${this.host}`);
    this.requests.push(url.pathname);
    const basic = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    if (url.pathname === '/token') {
      const isKnown = request.headers.authorization === basic && url.searchParams.get('service') === 'test';
      response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ token: 'let-me-in' }));
      return;
    }
    const wanted = { none: undefined, basic, bearer: 'Bearer let-me-in' }[this.auth];
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      const scheme =
        this.auth === 'basic'
          ? 'Basic realm="test"'
          : `Bearer realm="http://${this.host}/token",service="test"`;
      response.writeHead(401, { 'www-authenticate': scheme });
      response.end();
      return;
    }
    const [, path = '', kind, name = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url.pathname) ?? [];
    const manifest =
      kind === 'manifests'
        ? (this.#manifests.get(`${path}:${name}`) ?? this.#manifests.get(name))
        : undefined;
    const blob = kind === 'blobs' ? this.#blobs.get(name) : undefined;
    const found =
      manifest ??
      (blob === undefined ? undefined : { bytes: this.tamper(blob), type: 'application/octet-stream' });
    response.writeHead(found === undefined ? 404 : 200, {
      'content-type': found?.type ?? 'application/json',
    });
    response.end(found?.bytes);
  }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
