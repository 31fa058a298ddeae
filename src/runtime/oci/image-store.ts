import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError, type Image, type ImageSpec } from '../cri.ts';
import { parseImageReference } from '../image-reference.ts';
import { parseImageConfig, type ImageConfig } from './image-manifest.ts';
import type { LayerStore } from './layer-store.ts';
import { isMissing } from './system-code.ts';

/** An image as it is kept: its configuration, and the names it goes by. */
export interface StoredImage {
  /** Digest of the configuration. */
  readonly id: string;
  readonly config: ImageConfig;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly pinned: boolean;
}

/** The names and configurations of the images of one node; the layers are the {@link LayerStore}'s. */
export class ImageStore {
  readonly #file: string;
  readonly #layers: LayerStore;
  readonly #images = new Map<string, StoredImage>();

  /** @param root directory that gets `images.json` */
  constructor(root: string, layers: LayerStore) {
    mkdirSync(root, { recursive: true });
    this.#file = join(root, 'images.json');
    this.#layers = layers;
    for (const image of this.#load()) {
      if (image.config.rootfs.diff_ids.every((diffId) => layers.has(diffId))) {
        this.#images.set(image.id, image);
      }
    }
  }

  list(): readonly Image[] {
    return [...this.#images.values()].map((image) => this.#describe(image));
  }

  status(spec: ImageSpec): Image | undefined {
    const image = this.find(spec.image);
    return image === undefined ? undefined : this.#describe(image);
  }

  /** @param name a reference, an id, or the beginning of an id of at least 12 digits */
  find(name: string): StoredImage | undefined {
    const byId = this.#images.get(name) ?? this.#images.get(`sha256:${name}`);
    if (byId !== undefined || name.startsWith('sha256:')) {
      return byId;
    }
    if (/^[0-9a-f]{12,63}$/.test(name)) {
      const found = [...this.#images.values()].filter(({ id }) => id.startsWith(`sha256:${name}`));
      if (found.length === 1) {
        return found[0];
      }
    }
    const { full } = parseImageReference(name);
    return [...this.#images.values()].find(
      ({ repoTags, repoDigests }) => repoTags.includes(full) || repoDigests.includes(full),
    );
  }

  /**
   * Keeps an image whose layers are unpacked. A tag that another image had moves to this one.
   *
   * @param configBytes the configuration as it was given: its digest is the image's id
   */
  add(configBytes: Uint8Array, names: { readonly tag?: string; readonly digest?: string }): StoredImage {
    const id = `sha256:${createHash('sha256').update(configBytes).digest('hex')}`;
    const config = parseImageConfig(configBytes);
    for (const other of this.#images.values()) {
      if (names.tag !== undefined && other.repoTags.includes(names.tag)) {
        const repoTags = other.repoTags.filter((tag) => tag !== names.tag);
        this.#images.set(other.id, { ...other, repoTags });
      }
    }
    const before = this.#images.get(id);
    const image: StoredImage = {
      id,
      config,
      repoTags: union(before?.repoTags, names.tag),
      repoDigests: union(before?.repoDigests, names.digest),
      pinned: before?.pinned ?? false,
    };
    this.#images.set(id, image);
    this.#save();
    return image;
  }

  /** @returns false when there was none */
  remove(name: string): boolean {
    const image = this.find(name);
    if (image === undefined) {
      return false;
    }
    this.#images.delete(image.id);
    this.#save();
    return true;
  }

  /** Layers that some image needs. */
  usedLayers(): Set<string> {
    return new Set([...this.#images.values()].flatMap(({ config }) => config.rootfs.diff_ids));
  }

  #describe({ id, config, repoTags, repoDigests, pinned }: StoredImage): Image {
    const size = new Set(config.rootfs.diff_ids)
      .values()
      .reduce((sum, diffId) => sum + this.#layers.usage(diffId).bytes, 0);
    const user = (config.config?.User ?? '').split(':')[0] ?? '';
    return {
      id,
      repoTags,
      repoDigests,
      size,
      ...(/^\d+$/.test(user) ? { uid: Number(user), username: '' } : { username: user }),
      spec: { image: id },
      pinned,
    };
  }

  #load(): readonly StoredImage[] {
    try {
      // Written by ourselves, whole or not at all.
      return JSON.parse(readFileSync(this.#file, 'utf8')) as StoredImage[];
    } catch (error) {
      if (isMissing(error)) {
        return [];
      }
      throw new RuntimeError('internal', `cannot read ${this.#file}`, { cause: error });
    }
  }

  #save(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify([...this.#images.values()]));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function union(before: readonly string[] | undefined, added: string | undefined): readonly string[] {
  return [...new Set([...(before ?? []), ...(added === undefined ? [] : [added])])];
}
