import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { describeError } from '#base/log.ts';
import { RuntimeError, type AuthConfig, type PullImageOptions } from '../cri.ts';
import type { ImageReference } from '../image-reference.ts';
import { MediaType, type Descriptor } from './image-manifest.ts';
import { answerChallenge, parseChallenge } from './registry-auth.ts';

/** Larger documents are refused, as registries themselves do. */
const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
const ACCEPTED = [
  MediaType.ociIndex,
  MediaType.ociManifest,
  MediaType.dockerList,
  MediaType.dockerManifest,
].join(', ');

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string;
}

/** Base URLs that are asked instead of a registry itself, by the registry's name, as `docker.io`. */
export type RegistryMirrors = ReadonlyMap<string, string>;

/** One repository of one registry, over the distribution API, version 2. */
export class RegistryClient {
  readonly #reference: ImageReference;
  readonly #auth: AuthConfig | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #baseUrl: string;
  #authorization: string | undefined;

  constructor(
    reference: ImageReference,
    mirrors: RegistryMirrors,
    { auth, signal }: Pick<PullImageOptions, 'auth' | 'signal'>,
  ) {
    this.#reference = reference;
    this.#auth = auth;
    this.#signal = signal;
    this.#baseUrl = mirrors.get(reference.registry) ?? registryUrl(reference.registry);
  }

  /** @param name a tag, or a digest, which is then checked */
  async manifest(name: string): Promise<FetchedManifest> {
    const response = await this.#get(`manifests/${name}`, { accept: ACCEPTED });
    const bytes = await readBounded(response, MANIFEST_BYTES_MAX);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (name.startsWith('sha256:') && name !== digest) {
      throw wrongDigest(name, digest);
    }
    return { bytes, mediaType: response.headers.get('content-type') ?? '', digest };
  }

  async blob(descriptor: Descriptor): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.openBlob(descriptor)) {
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  }

  /** A blob as a stream that fails at its end when it was not what the descriptor says. */
  async openBlob(descriptor: Descriptor): Promise<Readable> {
    const response = await this.#get(`blobs/${descriptor.digest}`, {});
    // The two declarations of the same web stream differ in details that do not matter here.
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    const checked = new DigestCheck(descriptor);
    body.once('error', (error) => checked.destroy(this.#unreachable(error)));
    checked.once('close', () => body.destroy());
    return body.pipe(checked);
  }

  async #get(path: string, headers: Record<string, string>): Promise<Response> {
    const response = await this.#fetch(path, headers);
    if (response.status !== 401) {
      return this.#checked(response);
    }
    await response.body?.cancel();
    const challenge = parseChallenge(response.headers.get('www-authenticate') ?? '');
    if (challenge === undefined) {
      throw this.#failure('image-unauthorized', 'authorization failed');
    }
    const scope = `repository:${this.#reference.path}:pull`;
    try {
      this.#authorization = await answerChallenge(challenge, this.#auth, scope, this.#signal);
    } catch (error) {
      throw error instanceof RuntimeError
        ? this.#failure(error.code, error.message)
        : this.#unreachable(error);
    }
    return this.#checked(await this.#fetch(path, headers));
  }

  async #fetch(path: string, headers: Record<string, string>): Promise<Response> {
    const { path: repository } = this.#reference;
    const authorization = this.#authorization === undefined ? {} : { authorization: this.#authorization };
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    try {
      return await fetch(`${this.#baseUrl}/v2/${repository}/${path}`, {
        headers: { ...headers, ...authorization },
        ...signal,
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #checked(response: Response): Response {
    if (response.ok) {
      return response;
    }
    void response.body?.cancel();
    switch (response.status) {
      case 401:
      case 403:
        throw this.#failure(
          'image-unauthorized',
          'pull access denied, repository does not exist or may require authorization',
        );
      case 404:
        throw this.#failure('image-not-found', `${this.#reference.full}: not found`);
      default:
        throw this.#failure('registry-unavailable', `unexpected status from registry: ${response.status}`);
    }
  }

  #failure(code: RuntimeError['code'], why: string): RuntimeError {
    return new RuntimeError(code, `failed to pull image "${this.#reference.full}": ${why}`);
  }

  #unreachable(error: unknown): RuntimeError {
    const why = `failed to do request: ${describeError(error)}`;
    return new RuntimeError('registry-unavailable', `failed to pull image "${this.#reference.full}": ${why}`);
  }
}

/** Registries on this very machine speak plain HTTP; all others must not. */
export function registryUrl(registry: string): string {
  if (registry === 'docker.io') {
    return 'https://registry-1.docker.io';
  }
  const host = registry.startsWith('[')
    ? registry.slice(0, registry.indexOf(']') + 1)
    : registry.split(':')[0];
  const isLocal = host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host ?? '');
  return `${isLocal ? 'http' : 'https'}://${registry}`;
}

/** Passes bytes on, and checks at the end that they were the ones asked for. */
class DigestCheck extends Transform {
  readonly #expected: Descriptor;
  readonly #hash = createHash('sha256');
  #size = 0;

  constructor(expected: Descriptor) {
    super();
    this.#expected = expected;
  }

  override _transform(
    chunk: Buffer,
    _: BufferEncoding,
    done: (error?: Error | null, data?: Buffer) => void,
  ): void {
    this.#size += chunk.length;
    if (this.#size > this.#expected.size) {
      done(
        new RuntimeError('registry-unavailable', `blob ${this.#expected.digest} is longer than it should be`),
      );
      return;
    }
    this.#hash.update(chunk);
    done(null, chunk);
  }

  override _flush(done: (error?: Error | null) => void): void {
    const digest = `sha256:${this.#hash.digest('hex')}`;
    done(digest === this.#expected.digest ? null : wrongDigest(this.#expected.digest, digest));
  }
}

function wrongDigest(expected: string, found: string): RuntimeError {
  return new RuntimeError('registry-unavailable', `unexpected digest ${found}, expected ${expected}`);
}

async function readBounded(response: Response, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) {
      throw new RuntimeError('invalid-argument', `a manifest of more than ${limit} bytes is refused`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
