import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Image, ImageFsInfo, ImageService, ImageSpec, PullImageOptions } from '../cri.ts';
import { parseImageReference } from '../image-reference.ts';
import { importArchive } from './archive-import.ts';
import { buildImage, type BuildImageOptions } from './image-builder.ts';
import { ImagePuller } from './image-puller.ts';
import { ImageStore, type StoredImage } from './image-store.ts';
import { LayerStore } from './layer-store.ts';
import type { Libc } from './libc.ts';
import type { RegistryMirrors } from './registry-client.ts';

/** The images of one node, from registries, archives and the host's own files. */
export class OciImages implements ImageService {
  readonly store: ImageStore;
  readonly layers: LayerStore;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #puller: ImagePuller;
  #onRemoved: () => Promise<void> = async () => undefined;

  /** @param root directory of their own */
  constructor(
    root: string,
    {
      libc,
      clock,
      mirrors,
    }: { readonly libc: Libc; readonly clock: Clock; readonly mirrors: RegistryMirrors },
  ) {
    this.#root = root;
    this.#clock = clock;
    this.layers = new LayerStore(join(root, 'layers'), libc);
    this.store = new ImageStore(root, this.layers);
    this.#puller = new ImagePuller(this.store, this.layers, mirrors);
  }

  /** Called when layers may have lost their last image. */
  onRemoved(sweep: () => Promise<void>): void {
    this.#onRemoved = sweep;
  }

  async listImages(filter?: { readonly image?: ImageSpec }): Promise<readonly Image[]> {
    if (filter?.image === undefined) {
      return this.store.list();
    }
    const found = this.store.status(filter.image);
    return found === undefined ? [] : [found];
  }

  async imageStatus(image: ImageSpec): Promise<Image | undefined> {
    return this.store.status(image);
  }

  async pullImage(image: ImageSpec, options: PullImageOptions = {}): Promise<string> {
    return (await this.#puller.pull(parseImageReference(image.image), options)).id;
  }

  async removeImage(image: ImageSpec): Promise<void> {
    if (this.store.remove(image.image)) {
      await this.#onRemoved();
    }
  }

  async imageFsInfo(): Promise<ImageFsInfo> {
    const { bytes, files } = this.layers.totalUsage();
    const usage = {
      timestampMs: this.#clock.nowMs(),
      fsId: { mountpoint: this.#root },
      usedBytes: bytes,
      inodesUsed: files,
    };
    return { imageFilesystems: [usage], containerFilesystems: [usage] };
  }

  /** Makes an image from files of this host. */
  async build(options: BuildImageOptions): Promise<StoredImage> {
    return await buildImage(options, this.store, this.layers);
  }

  /** Takes in the images of a `docker save` or OCI layout archive, compressed or not. */
  async importArchive(path: string): Promise<readonly StoredImage[]> {
    return await importArchive(path, join(this.#root, 'import'), this.store, this.layers);
  }
}
