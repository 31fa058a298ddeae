import type { ContainerImage } from '#api/types/core.v1.ts';

const NO_IMAGES: ReadonlyMap<string, number> = new Map();

/** Which nodes hold which images, and how large they are. */
export class NodeImages {
  /** By row: image name to size in bytes. */
  readonly #sizes: (ReadonlyMap<string, number> | undefined)[] = [];
  readonly #sources: (readonly ContainerImage[] | undefined)[] = [];
  readonly #nodeCounts = new Map<string, number>();

  /** Takes over the images of a node; true when they differ from before. */
  set(row: number, images: readonly ContainerImage[]): boolean {
    if (isSameList(this.#sources[row] ?? [], images)) {
      return false;
    }
    for (const name of this.on(row).keys()) {
      this.#count(name, -1);
    }
    const sizes = new Map<string, number>();
    for (const { names, sizeBytes = 0 } of images) {
      for (const name of names ?? []) {
        sizes.set(name, sizeBytes);
      }
    }
    for (const name of sizes.keys()) {
      this.#count(name, 1);
    }
    this.#sizes[row] = sizes;
    this.#sources[row] = images;
    return true;
  }

  on(row: number): ReadonlyMap<string, number> {
    return this.#sizes[row] ?? NO_IMAGES;
  }

  /** Number of nodes that hold the image. */
  nodeCount(name: string): number {
    return this.#nodeCounts.get(name) ?? 0;
  }

  #count(name: string, delta: number): void {
    const count = this.nodeCount(name) + delta;
    if (count === 0) {
      this.#nodeCounts.delete(name);
    } else {
      this.#nodeCounts.set(name, count);
    }
  }
}

function isSameList(left: readonly ContainerImage[], right: readonly ContainerImage[]): boolean {
  return left === right || (left.length === right.length && JSON.stringify(left) === JSON.stringify(right));
}
