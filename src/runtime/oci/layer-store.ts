import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
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
  /** How many callers hold a layer whose image is not complete yet. */
  readonly #held = new Map<string, number>();
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
        await this.#unpack(await open(), diffId);
      }
    });
  }

  /** Keeps these layers from being swept, there or not, until the result is disposed of. */
  hold(diffIds: readonly string[]): Disposable {
    for (const diffId of diffIds) {
      this.#held.set(diffId, (this.#held.get(diffId) ?? 0) + 1);
    }
    return {
      [Symbol.dispose]: () => {
        for (const diffId of diffIds) {
          const count = this.#held.get(diffId) ?? 0;
          if (count > 1) {
            this.#held.set(diffId, count - 1);
          } else {
            this.#held.delete(diffId);
          }
        }
      },
    };
  }

  /** Unpacks an archive whose digest nobody knows yet, and returns it. */
  async addNew(archive: Readable): Promise<string> {
    return await this.#unpack(archive, undefined);
  }

  /** Removes every layer that is not in `used`. They are gone at once, their files a little later. */
  async sweep(used: ReadonlySet<string>): Promise<void> {
    const kept = new Set([...used, ...this.#held.keys()].map(directoryName));
    const removed: string[] = [];
    for (const name of readdirSync(this.#root)) {
      if (!kept.has(name) && !name.startsWith('new-')) {
        const temporary = this.#temporary();
        renameSync(join(this.#root, name), temporary);
        removed.push(temporary);
      }
    }
    for (const directory of removed) {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #unpack(archive: Readable, expected: string | undefined): Promise<string> {
    const temporary = this.#temporary();
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
      if (expected !== undefined && found !== expected) {
        throw new RuntimeError('invalid-argument', `wrong diff id: expected ${expected}, got ${found}`);
      }
      writer.close();
      if (this.has(found)) {
        await rm(temporary, { recursive: true });
        return found;
      }
      writeFileSync(join(temporary, 'usage.json'), JSON.stringify(writer.usage));
      renameSync(temporary, this.#directory(found));
      return found;
    } catch (error) {
      writer.close();
      archive.destroy();
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  #temporary(): string {
    this.#temporaryCount += 1;
    return join(this.#root, `new-${this.#temporaryCount}`);
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
