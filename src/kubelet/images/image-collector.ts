import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Image, ImageService, RuntimeService } from '#runtime/cri.ts';
import type { FilesystemSupply } from '../eviction/node-supply.ts';

export interface ImageCollectorDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly imageFs: () => Promise<FilesystemSupply>;
}

const PERIOD_MS = 5 * 60_000;
/** Used share of the image file system at which unused images go, and down to which. */
const HIGH_SHARE = 0.85;
const LOW_SHARE = 0.8;
/** An image just pulled has no container yet. */
const AGE_MS_MIN = 2 * 60_000;

/** Removes images that no container uses, least recently used first, when the disk fills up. */
export class ImageCollector {
  readonly #deps: ImageCollectorDeps;
  /** By image id, on the monotonic clock. */
  readonly #seen = new Map<string, { readonly firstMs: number; lastUsedMs: number }>();

  constructor(deps: ImageCollectorDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.collect();
      } catch (error) {
        this.#deps.log.warn('images not collected', { error });
      }
      await this.#deps.clock.sleep(PERIOD_MS, signal);
    }
  }

  /** Removes what is needed to get from above the high mark down to the low one. */
  async collect(): Promise<void> {
    const { availableBytes, capacityBytes } = await this.#deps.imageFs();
    const usedBytes = capacityBytes - availableBytes;
    const isFull = capacityBytes > 0 && usedBytes / capacityBytes >= HIGH_SHARE;
    const unused = await this.#unused();
    if (isFull) {
      await this.#remove(unused, usedBytes - capacityBytes * LOW_SHARE);
    }
  }

  /** Removes every unused image; true when there was one. */
  async removeUnused(): Promise<boolean> {
    return (await this.#remove(await this.#unused(), Infinity)) > 0;
  }

  async #remove(unused: readonly Image[], wantedBytes: number): Promise<number> {
    let freedBytes = 0;
    for (const { id, size } of unused) {
      if (freedBytes >= wantedBytes) {
        break;
      }
      this.#deps.log.info('removing an unused image', { image: id, bytes: size });
      await this.#deps.images.removeImage({ image: id });
      freedBytes += size;
    }
    return freedBytes;
  }

  async #unused(): Promise<readonly Image[]> {
    const { runtime, images, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    const [all, containers] = await Promise.all([images.listImages(), runtime.listContainers()]);
    const used = new Set(containers.flatMap(({ imageId, imageRef }) => [imageId, imageRef]));
    const ids = new Set(all.map(({ id }) => id));
    for (const { id, repoDigests } of all) {
      const seen = this.#seen.get(id) ?? { firstMs: nowMs, lastUsedMs: 0 };
      this.#seen.set(id, seen);
      if (used.has(id) || repoDigests.some((digest) => used.has(digest))) {
        used.add(id);
        seen.lastUsedMs = nowMs;
      }
    }
    for (const id of this.#seen.keys()) {
      if (!ids.has(id)) {
        this.#seen.delete(id);
      }
    }
    const lastUsed = ({ id }: Image): number => this.#seen.get(id)?.lastUsedMs ?? 0;
    return all
      .filter(({ id, pinned }) => !pinned && !used.has(id))
      .filter(({ id }) => nowMs - (this.#seen.get(id)?.firstMs ?? nowMs) >= AGE_MS_MIN)
      .toSorted((left, right) => lastUsed(left) - lastUsed(right));
  }
}
