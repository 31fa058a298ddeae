import { RuntimeError } from '../cri.ts';
import type { ImageRunConfig } from './bundle.ts';

/** A blob named by its content. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** An image's configuration: how to run it, and the digests of its unpacked layers. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly config?: ImageRunConfig;
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] };
}

export const MediaType = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const;

/** Layers an image may have; the kernel stacks no more than 500, docker no more than 127. */
const LAYERS_MAX = 127;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Go's names for the machine that this is. */
export function hostPlatform(): Platform {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm64: 'arm64', arm: 'arm' };
  return { os: 'linux', architecture: names[process.arch] ?? process.arch };
}

/** What a manifest document is: an image, or a list of images to choose from. */
export type ManifestDocument =
  | { readonly kind: 'image'; readonly manifest: ImageManifest }
  | { readonly kind: 'list'; readonly manifests: readonly Descriptor[] };

/** @throws {RuntimeError} `invalid-argument` for a document of no kind that we know */
export function parseManifest(bytes: Uint8Array, mediaType: string): ManifestDocument {
  const document = parseObject(bytes);
  const type = typeof document['mediaType'] === 'string' ? document['mediaType'] : mediaType.split(';')[0];
  if (type === MediaType.ociIndex || type === MediaType.dockerList || Array.isArray(document['manifests'])) {
    return { kind: 'list', manifests: descriptors(document['manifests']) };
  }
  if (document['schemaVersion'] === 1) {
    throw malformed('images of manifest schema 1 are not supported');
  }
  const [config] = descriptors([document['config']]);
  const layers = descriptors(document['layers']);
  if (config === undefined || layers.length > LAYERS_MAX) {
    throw malformed(`an image has at most ${LAYERS_MAX} layers`);
  }
  return { kind: 'image', manifest: { config, layers } };
}

export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const document = parseObject(bytes);
  const rootfs: unknown = document['rootfs'];
  const diffIds =
    typeof rootfs === 'object' && rootfs !== null && 'diff_ids' in rootfs ? rootfs.diff_ids : undefined;
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === 'string' && DIGEST.test(id))) {
    throw malformed('the configuration of the image does not list its layers');
  }
  // The rest is taken at its word where it is used; a wrong type there fails that container alone.
  return document as unknown as ImageConfig;
}

/** The entry for a platform: of the same variant if there is one, else without or with another. */
export function selectManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fitting = manifests.filter(
    ({ platform }) =>
      platform === undefined || (platform.os === wanted.os && platform.architecture === wanted.architecture),
  );
  return (
    fitting.find(({ platform }) => platform !== undefined && platform.variant === wanted.variant) ??
    fitting.find(({ platform }) => platform !== undefined) ??
    fitting[0]
  );
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  const value: unknown = parseJson(Buffer.from(bytes).toString());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('a manifest is a JSON object');
  }
  return value as Record<string, unknown>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed('a manifest is JSON', error);
  }
}

function descriptors(value: unknown): Descriptor[] {
  if (!Array.isArray(value)) {
    throw malformed('a manifest lists descriptors');
  }
  return value.map((item: unknown) => {
    const isDescriptor =
      typeof item === 'object' &&
      item !== null &&
      'digest' in item &&
      typeof item.digest === 'string' &&
      DIGEST.test(item.digest) &&
      'size' in item &&
      Number.isSafeInteger(item.size);
    if (!isDescriptor) {
      throw malformed('a descriptor has a sha256 digest and a size');
    }
    return item as Descriptor;
  });
}

function malformed(why: string, cause?: unknown): RuntimeError {
  return new RuntimeError('invalid-argument', `unusable image: ${why}`, { cause });
}
