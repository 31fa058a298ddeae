import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from './system-code.ts';

const FILE = 'record.json';

/**
 * One JSON record a directory: `<root>/<id>/record.json`. A record is replaced as a whole, and a directory
 * without one is the remains of something that was never finished.
 */
export class RecordStore<T> {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  save(id: string, record: T): void {
    const directory = join(this.#root, id);
    mkdirSync(directory, { recursive: true });
    const temporary = join(directory, `${FILE}.new`);
    writeFileSync(temporary, JSON.stringify(record));
    renameSync(temporary, join(directory, FILE));
  }

  /** The ids of complete records with these, and of directories without. */
  load(): { readonly records: ReadonlyMap<string, T>; readonly remains: readonly string[] } {
    const records = new Map<string, T>();
    const remains: string[] = [];
    for (const id of readdirSync(this.#root)) {
      const record = this.#read(id);
      if (record === undefined) {
        remains.push(id);
      } else {
        records.set(id, record);
      }
    }
    return { records, remains };
  }

  /** Removes the record at once, and then the directory with everything in it. */
  async delete(id: string): Promise<void> {
    rmSync(join(this.#root, id, FILE), { force: true });
    await rm(join(this.#root, id), { recursive: true, force: true });
  }

  #read(id: string): T | undefined {
    try {
      // Written by ourselves, whole or not at all.
      return JSON.parse(readFileSync(join(this.#root, id, FILE), 'utf8')) as T;
    } catch (error) {
      if (isMissing(error) || error instanceof SyntaxError) {
        return undefined;
      }
      throw error;
    }
  }
}
