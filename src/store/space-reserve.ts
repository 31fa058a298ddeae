import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { usedBytes } from './lmdb-file.ts';

const MIB = 2 ** 20;
/** The file grows by an eighth of what is used, within these bounds: rarely, but never by much at once. */
const STEP_BYTES_MIN = MIB;
const STEP_BYTES_MAX = 32 * MIB;

const ZEROS = new Uint8Array(MIB);

/**
 * Space on disk that LMDB has not reached yet, taken before LMDB needs it.
 *
 * LMDB must never meet a full disk: its code for that case overruns a buffer and takes the process with
 * it. Filling the file with zeros ahead of it finds out first, and costs nothing but the space.
 */
export class SpaceReserve {
  readonly #file: FileHandle;
  /** Length of the file; LMDB writes inside of it only. */
  #size: number;

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  static async open(path: string): Promise<SpaceReserve> {
    const file = await open(path, constants.O_RDWR);
    return new SpaceReserve(file, (await file.stat()).size);
  }

  /**
   * Makes sure that a transaction that may write `bytes` has room.
   *
   * @throws {Error} of the system (`ENOSPC`, `EDQUOT`, `EFBIG`, ...) when the disk has none
   */
  async ensure(bytes: number): Promise<void> {
    const used = usedBytes(this.#file.fd) ?? this.#size;
    if (this.#size - used < bytes) {
      const step = Math.min(Math.max(used / 8, STEP_BYTES_MIN), STEP_BYTES_MAX);
      await this.#grow(used + bytes, Math.ceil((used + bytes + step) / MIB) * MIB);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Makes the file `wanted` long; `enough` will do when there is no room for more. */
  async #grow(enough: number, wanted: number): Promise<void> {
    try {
      while (this.#size < wanted) {
        const count = Math.min(ZEROS.length, wanted - this.#size);
        const { bytesWritten } = await this.#file.write(ZEROS, 0, count, this.#size);
        this.#size += bytesWritten;
      }
    } catch (error) {
      if (this.#size < enough) {
        throw error;
      }
    }
  }
}
