import { readFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import { createInterface } from 'node:readline';
import { decodeYamlDocuments } from '#codec/yaml.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
  readonly users: readonly [{ readonly user: Readonly<Record<string, string>> }];
}

export interface SentRequest {
  readonly method?: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends requests exactly as they are written, over real TLS, with the certificate of a kubeconfig. */
export class ApiClient implements Disposable {
  readonly #base: RequestOptions;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(kubeconfig: string) {
    // Written by the cluster under test in kubectl's form.
    const config = decodeYamlDocuments(readFileSync(kubeconfig))[0] as Kubeconfig;
    const { cluster } = config.clusters[0];
    const { user } = config.users[0];
    const url = new URL(cluster['server'] ?? '');
    this.#base = {
      host: url.hostname,
      port: url.port,
      agent: this.#agent,
      ca: Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64'),
      cert: Buffer.from(user['client-certificate-data'] ?? '', 'base64'),
      key: Buffer.from(user['client-key-data'] ?? '', 'base64'),
    };
  }

  /** @throws the connection's own error when it ends before the answer does */
  async send({ method = 'GET', path, body, contentType, headers }: SentRequest): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const options = {
      ...this.#base,
      method,
      path,
      headers: {
        ...headers,
        ...(body === undefined
          ? {}
          : {
              'content-type': contentType ?? 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
      },
    };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
    return await promise;
  }

  async json<T>(path: string): Promise<T> {
    return JSON.parse((await this.send({ path })).body) as T;
  }

  /** Reads the lines of an answer that goes on, and ends it after the one that `isLast` says. */
  async lines(path: string, isLast: (line: string) => boolean): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const sent = request({ ...this.#base, agent: false, path }, (response) => {
      const found: string[] = [];
      const lines = createInterface({ input: response });
      lines.on('line', (line) => {
        found.push(line);
        if (isLast(line)) {
          resolve(found);
          response.destroy();
        }
      });
      lines.on('close', () => reject(new Error(`the answer ended after ${found.length} lines`)));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
    return await promise;
  }

  /** Opens a request, and cuts its connection once the first bytes of the answer are there. */
  async vanish(path: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const sent = request({ ...this.#base, agent: false, path }, (response) => {
      response.once('data', () => {
        response.socket.destroy();
        resolve(undefined);
      });
      response.on('error', () => undefined);
    });
    sent.on('error', reject);
    sent.end();
    await promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
