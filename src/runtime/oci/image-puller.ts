import { RuntimeError, type PullImageOptions } from '../cri.ts';
import type { ImageReference } from '../image-reference.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import {
  hostPlatform,
  parseImageConfig,
  parseManifest,
  selectManifest,
  type ImageManifest,
} from './image-manifest.ts';
import type { ImageStore, StoredImage } from './image-store.ts';
import type { LayerStore } from './layer-store.ts';
import { RegistryClient, type FetchedManifest, type RegistryMirrors } from './registry-client.ts';

/** Layers downloaded at once, over all pulls. */
const DOWNLOADS_MAX = 4;

/** Brings images from registries. */
export class ImagePuller {
  readonly #images: ImageStore;
  readonly #layers: LayerStore;
  readonly #mirrors: RegistryMirrors;
  readonly #downloads = new ConcurrencyLimit(DOWNLOADS_MAX);
  /** Pulls under way, by reference and credentials. */
  readonly #pulls = new Map<string, Promise<StoredImage>>();

  constructor(images: ImageStore, layers: LayerStore, mirrors: RegistryMirrors) {
    this.#images = images;
    this.#layers = layers;
    this.#mirrors = mirrors;
  }

  async pull(reference: ImageReference, options: PullImageOptions): Promise<StoredImage> {
    // Whoever has other credentials must prove them on their own.
    const key = JSON.stringify([reference.full, options.auth]);
    const running = this.#pulls.get(key);
    if (running !== undefined) {
      return await running;
    }
    const pull = this.#pull(reference, options);
    this.#pulls.set(key, pull);
    try {
      return await pull;
    } finally {
      this.#pulls.delete(key);
    }
  }

  async #pull(reference: ImageReference, options: PullImageOptions): Promise<StoredImage> {
    const client = new RegistryClient(reference, this.#mirrors, options);
    const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest');
    const manifest = await this.#imageManifest(client, reference, top);
    const configBytes = await client.blob(manifest.config);
    const diffIds = parseImageConfig(configBytes).rootfs.diff_ids;
    if (diffIds.length !== manifest.layers.length) {
      throw new RuntimeError(
        'invalid-argument',
        `unusable image: ${diffIds.length} layers in its configuration, ${manifest.layers.length} in its manifest`,
      );
    }
    using _held = this.#layers.hold(diffIds);
    await Promise.all(
      manifest.layers.map(async (layer, index) => {
        const diffId = diffIds[index] ?? '';
        await this.#downloads.run(
          async () => await this.#layers.add(diffId, async () => await client.openBlob(layer)),
        );
      }),
    );
    return this.#images.add(configBytes, {
      ...(reference.digest === undefined ? { tag: reference.full } : {}),
      digest: `${reference.repository}@${top.digest}`,
    });
  }

  async #imageManifest(
    client: RegistryClient,
    reference: ImageReference,
    top: FetchedManifest,
  ): Promise<ImageManifest> {
    const document = parseManifest(top.bytes, top.mediaType);
    if (document.kind === 'image') {
      return document.manifest;
    }
    const platform = hostPlatform();
    const chosen = selectManifest(document.manifests, platform);
    if (chosen === undefined) {
      throw new RuntimeError(
        'image-not-found',
        `failed to pull image "${reference.full}": no match for platform in manifest: ${platform.os}/${platform.architecture}`,
      );
    }
    const inner = await client.manifest(chosen.digest);
    const image = parseManifest(inner.bytes, inner.mediaType);
    if (image.kind === 'list') {
      throw new RuntimeError('invalid-argument', 'unusable image: a list of lists');
    }
    return image.manifest;
  }
}
