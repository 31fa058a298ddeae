import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { RuntimeError } from '../cri.ts';
import { KeyedQueue } from './concurrency-limit.ts';
import { decompressed } from './decompression.ts';
import { LayerWriter, type LayerUsage } from './layer-writer.ts';
import type { Libc } from './libc.ts';
import { TarReader } from './tar-reader.ts';

/** Digits of a layer's digest that name its directory: overlayfs takes all of a stack's paths in one page. */
const NAME_DIGITS = 24;

/**
 * Unpacked layers, each once, whoever uses it: `<root>/<digest>/diff` with `usage.json` beside. A layer is
 * unpacked under another name and renamed when its digests were right, so what is there is whole.
 */
export class LayerStore {
  readonly #root: string;
  readonly #libc: Libc;
  readonly #unpacking = new KeyedQueue();
  #temporaryCount = 0;

  constructor(root: string, libc: Libc) {
    this.#root = root;
    this.#libc = libc;
    mkdirSync(root, { recursive: true });
    for (const name of readdirSync(root).filter((entry) => entry.startsWith('new-'))) {
      rmSync(join(root, name), { recursive: true, force: true });
    }
  }

  has(diffId: string): boolean {
    return existsSync(join(this.#directory(diffId), 'usage.json'));
  }

  /** The directory to stack. */
  path(diffId: string): string {
    return join(this.#directory(diffId), 'diff');
  }

  usage(diffId: string): LayerUsage {
    return readUsage(join(this.#directory(diffId), 'usage.json'));
  }

  /** What all layers together take. */
  totalUsage(): LayerUsage {
    let bytes = 0;
    let files = 0;
    for (const name of readdirSync(this.#root)) {
      const path = join(this.#root, name, 'usage.json');
      if (existsSync(path)) {
        const usage = readUsage(path);
        bytes += usage.bytes;
        files += usage.files;
      }
    }
    return { bytes, files };
  }

  /**
   * Unpacks a layer unless it is there.
   *
   * @param open the tar archive, plain or compressed with gzip or zstd; its own digest is its giver's to check
   * @throws {RuntimeError} `invalid-argument` when what is inside does not have the digest `diffId`
   */
  async add(diffId: string, open: () => Promise<Readable>): Promise<void> {
    await this.#unpacking.run(diffId, async () => {
      if (!this.has(diffId)) {
        await this.#unpack(diffId, await open());
      }
    });
  }

  /** Removes every layer that is not in `used`. */
  sweep(used: ReadonlySet<string>): void {
    const kept = new Set([...used].map(directoryName));
    for (const name of readdirSync(this.#root)) {
      if (!kept.has(name) && !name.startsWith('new-')) {
        rmSync(join(this.#root, name), { recursive: true, force: true });
      }
    }
  }

  async #unpack(diffId: string, archive: Readable): Promise<void> {
    this.#temporaryCount += 1;
    const temporary = join(this.#root, `new-${this.#temporaryCount}`);
    mkdirSync(join(temporary, 'diff'), { recursive: true, mode: 0o755 });
    const writer = new LayerWriter(join(temporary, 'diff'), this.#libc);
    try {
      const hash = createHash('sha256');
      const reader = new TarReader(writer);
      for await (const chunk of await decompressed(archive)) {
        const bytes = Buffer.from(chunk as Uint8Array);
        hash.update(bytes);
        reader.write(bytes);
      }
      reader.finish();
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== diffId) {
        throw new RuntimeError('invalid-argument', `wrong diff id: expected ${diffId}, got ${found}`);
      }
      writer.close();
      writeFileSync(join(temporary, 'usage.json'), JSON.stringify(writer.usage));
      renameSync(temporary, this.#directory(diffId));
    } catch (error) {
      writer.close();
      archive.destroy();
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  #directory(diffId: string): string {
    return join(this.#root, directoryName(diffId));
  }
}

/** Written by ourselves when the layer was whole. */
function readUsage(path: string): LayerUsage {
  return JSON.parse(readFileSync(path, 'utf8')) as LayerUsage;
}

function directoryName(diffId: string): string {
  return diffId.slice('sha256:'.length, 'sha256:'.length + NAME_DIGITS);
}
