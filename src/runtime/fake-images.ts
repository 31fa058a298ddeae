import { createHash } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { Image, ImageFsInfo, ImageService, ImageSpec, PullImageOptions, RuntimeError } from './cri.ts';
import { parseImageReference, type ImageReference } from './image-reference.ts';

/** Where a fake image's bytes would be. */
const FAKE_MOUNTPOINT = '/fake';
const FAKE_IMAGE_BYTES = 1_000_000;

/** Images by name only: every valid reference can be pulled until told otherwise. */
export class FakeImages implements ImageService {
  readonly #clock: Clock;
  readonly #images = new Map<string, Image>();
  readonly #refusals = new Map<string, RuntimeError>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts an image on the node without a pull. */
  add(reference: string, details: Pick<Partial<Image>, 'uid' | 'username' | 'pinned' | 'size'> = {}): Image {
    const parsed = parseImageReference(reference);
    const digest = `sha256:${createHash('sha256').update(parsed.full).digest('hex')}`;
    const image: Image = {
      id: digest,
      repoTags: parsed.digest === undefined ? [parsed.full] : [],
      repoDigests: [`${parsed.repository}@${parsed.digest ?? digest}`],
      size: FAKE_IMAGE_BYTES,
      username: '',
      pinned: false,
      spec: { image: digest },
      ...details,
    };
    this.#images.set(digest, image);
    return image;
  }

  /** Makes pulls of this reference fail from now on, or work again. */
  refusePulls(reference: string, error: RuntimeError | undefined): void {
    const { full } = parseImageReference(reference);
    if (error === undefined) {
      this.#refusals.delete(full);
    } else {
      this.#refusals.set(full, error);
    }
  }

  async listImages(filter?: { readonly image?: ImageSpec }): Promise<readonly Image[]> {
    if (filter?.image === undefined) {
      return [...this.#images.values()];
    }
    const found = this.#find(filter.image.image);
    return found === undefined ? [] : [found];
  }

  async imageStatus(image: ImageSpec): Promise<Image | undefined> {
    return this.#find(image.image);
  }

  async pullImage(image: ImageSpec, options?: PullImageOptions): Promise<string> {
    options?.signal?.throwIfAborted();
    const refusal = this.#refusals.get(parseImageReference(image.image).full);
    if (refusal !== undefined) {
      throw refusal;
    }
    return (this.#find(image.image) ?? this.add(image.image)).id;
  }

  async removeImage(image: ImageSpec): Promise<void> {
    const found = this.#find(image.image);
    if (found !== undefined) {
      this.#images.delete(found.id);
    }
  }

  async imageFsInfo(): Promise<ImageFsInfo> {
    let usedBytes = 0;
    for (const image of this.#images.values()) {
      usedBytes += image.size;
    }
    const usage = {
      timestampMs: this.#clock.nowMs(),
      fsId: { mountpoint: FAKE_MOUNTPOINT },
      usedBytes,
      inodesUsed: this.#images.size,
    };
    return { imageFilesystems: [usage], containerFilesystems: [usage] };
  }

  #find(name: string): Image | undefined {
    const byId = this.#images.get(name);
    if (byId !== undefined || name.startsWith('sha256:')) {
      return byId;
    }
    const reference: ImageReference = parseImageReference(name);
    return [...this.#images.values()].find(
      ({ repoTags, repoDigests }) =>
        repoTags.includes(reference.full) || repoDigests.includes(reference.full),
    );
  }
}
