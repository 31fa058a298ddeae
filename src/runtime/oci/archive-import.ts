import { closeSync, createReadStream, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { RuntimeError } from '../cri.ts';
import { parseImageReference } from '../image-reference.ts';
import { decompressed } from './decompression.ts';
import {
  hostPlatform,
  parseImageConfig,
  parseManifest,
  selectManifest,
  type Descriptor,
} from './image-manifest.ts';
import type { ImageStore, StoredImage } from './image-store.ts';
import type { LayerStore } from './layer-store.ts';
import { TarReader, type TarHeader, type TarSink } from './tar-reader.ts';

/** Members of an archive of images; a member more is no such archive. */
const MEMBERS_MAX = 10_000;

/**
 * Takes in the images of an archive: `docker save` (`manifest.json`), or an OCI layout (`index.json`).
 *
 * @param scratch directory that is emptied before and after
 */
export async function importArchive(
  path: string,
  scratch: string,
  images: ImageStore,
  layers: LayerStore,
): Promise<readonly StoredImage[]> {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  try {
    const members = await spread(path, scratch);
    const archive = new ArchiveReader(members, images, layers);
    return await archive.images();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Files of the archive by name, each as a numbered file: names in an archive are not to be trusted. */
async function spread(path: string, scratch: string): Promise<ReadonlyMap<string, string>> {
  const sink = new ScratchSink(scratch);
  const reader = new TarReader(sink);
  for await (const chunk of await decompressed(createReadStream(path))) {
    reader.write(chunk as Buffer);
  }
  reader.finish();
  return sink.members;
}

class ScratchSink implements TarSink {
  readonly members = new Map<string, string>();
  readonly #scratch: string;
  #fd: number | undefined;

  constructor(scratch: string) {
    this.#scratch = scratch;
  }

  begin({ path, type, linkPath }: TarHeader): void {
    const name = path.replace(/^(?:\.?\/)+/, '');
    if (this.members.size >= MEMBERS_MAX) {
      throw new RuntimeError('invalid-argument', `more than ${MEMBERS_MAX} files are no archive of images`);
    }
    if (type === 'file') {
      const file = join(this.#scratch, String(this.members.size));
      this.members.set(name, file);
      this.#fd = openSync(file, 'w', 0o600);
    } else if (type === 'symlink' || type === 'hardlink') {
      // Docker links a layer that several images share, as `../<id>/layer.tar`.
      const target = this.members.get(linkPath.replace(/^(?:\.\.?\/)+/, ''));
      if (target !== undefined) {
        this.members.set(name, target);
      }
    }
  }

  data(bytes: Buffer): void {
    if (this.#fd !== undefined) {
      for (let at = 0; at < bytes.length;) {
        at += writeSync(this.#fd, bytes, at);
      }
    }
  }

  end(): void {
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
      this.#fd = undefined;
    }
  }
}

class ArchiveReader {
  readonly #members: ReadonlyMap<string, string>;
  readonly #images: ImageStore;
  readonly #layers: LayerStore;

  constructor(members: ReadonlyMap<string, string>, images: ImageStore, layers: LayerStore) {
    this.#members = members;
    this.#images = images;
    this.#layers = layers;
  }

  async images(): Promise<readonly StoredImage[]> {
    // An archive may be both; the older form has the names.
    if (this.#members.has('manifest.json')) {
      return await this.#dockerImages();
    }
    if (this.#members.has('index.json')) {
      return await this.#layoutImages();
    }
    throw new RuntimeError(
      'invalid-argument',
      'not an archive of images: neither manifest.json nor index.json',
    );
  }

  async #dockerImages(): Promise<readonly StoredImage[]> {
    const entries: unknown = JSON.parse(this.#read('manifest.json').toString());
    const stored: StoredImage[] = [];
    for (const entry of Array.isArray(entries) ? entries : []) {
      // Missing members fail in `#read` and `#open` with their name.
      const { Config, RepoTags, Layers } = entry as {
        Config: string;
        RepoTags: string[] | null;
        Layers: string[];
      };
      stored.push(await this.#store(this.#read(Config), Layers, RepoTags ?? []));
    }
    return stored;
  }

  async #layoutImages(): Promise<readonly StoredImage[]> {
    const index = parseManifest(this.#read('index.json'), 'application/vnd.oci.image.index.v1+json');
    const stored: StoredImage[] = [];
    for (const descriptor of index.kind === 'list' ? index.manifests : []) {
      const names = annotatedNames(descriptor);
      let document = parseManifest(this.#blob(descriptor), descriptor.mediaType);
      if (document.kind === 'list') {
        const chosen = selectManifest(document.manifests, hostPlatform());
        if (chosen === undefined) {
          continue;
        }
        document = parseManifest(this.#blob(chosen), chosen.mediaType);
      }
      if (document.kind === 'image') {
        const { config, layers } = document.manifest;
        stored.push(await this.#store(this.#blob(config), layers.map(blobPath), names));
      }
    }
    return stored;
  }

  async #store(
    configBytes: Buffer,
    layerPaths: readonly string[],
    names: readonly string[],
  ): Promise<StoredImage> {
    const diffIds = parseImageConfig(configBytes).rootfs.diff_ids;
    using _held = this.#layers.hold(diffIds);
    for (const [index, diffId] of diffIds.entries()) {
      await this.#layers.add(diffId, async () => this.#open(layerPaths[index] ?? ''));
    }
    let image = this.#images.add(configBytes, {});
    for (const name of names) {
      image = this.#images.add(configBytes, { tag: parseImageReference(name).full });
    }
    return image;
  }

  #blob(descriptor: Descriptor): Buffer {
    return this.#read(blobPath(descriptor));
  }

  #read(name: string): Buffer {
    return readFileSync(this.#file(name));
  }

  #open(name: string): Readable {
    return createReadStream(this.#file(name));
  }

  #file(name: string): string {
    const file = this.#members.get(name);
    if (file === undefined) {
      throw new RuntimeError('invalid-argument', `the archive lacks ${JSON.stringify(name)}`);
    }
    return file;
  }
}

function blobPath({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** The names that an OCI layout's index notes for an image, if they are whole names. */
function annotatedNames(
  descriptor: Descriptor & { readonly annotations?: Record<string, string> },
): string[] {
  const name =
    descriptor.annotations?.['io.containerd.image.name'] ??
    descriptor.annotations?.['org.opencontainers.image.ref.name'];
  // A reference name may be a mere tag, which names nothing outside its layout.
  return name !== undefined && /[/:]/.test(name) ? [name] : [];
}
