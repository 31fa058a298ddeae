import { constants } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { utf8Encode } from '#base/bytes.ts';
import { usedBytes } from './lmdb-file.ts';

/** Raised whenever an older version could misread what this one writes. */
const FORMAT = 1;
export const FORMAT_FILE = 'FORMAT';
const FORMAT_LINE = /^coracle store (\d+)\n$/;
export const DATA_FILE = 'data.mdb';
const OWN_FILES: ReadonlySet<string> = new Set([FORMAT_FILE, `${FORMAT_FILE}.new`, DATA_FILE, 'lock.mdb']);

/** Of the end of the file that LMDB counts as used, this much may not have been written. */
const UNWRITTEN_BYTES_MAX = 2 ** 18;

/** What a new store takes on disk before its first write; a disk without that much is full. */
const FIRST_BYTES = 2 ** 20;

/** The data directory cannot be used; the message says why in one sentence. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
  readonly code = 'store/open';
}

/**
 * Makes sure that `directory` exists and holds either nothing or a store of this format.
 *
 * The format file is written last when a store is made. So a directory without one was never answered
 * from, and one with it but without data has lost something.
 *
 * @throws {StoreOpenError}
 */
export async function checkDirectory(directory: string): Promise<{ readonly isNew: boolean }> {
  try {
    const firstMade = await mkdir(directory, { recursive: true });
    if (firstMade !== undefined) {
      await syncDirectory(dirname(firstMade));
    }
    const names = await readdir(directory);
    const format = names.includes(FORMAT_FILE)
      ? await readFile(join(directory, FORMAT_FILE), 'utf8')
      : undefined;
    if (format === undefined) {
      const stranger = names.find((name) => !OWN_FILES.has(name));
      if (stranger !== undefined) {
        throw new StoreOpenError(
          `${directory} holds no Coracle store but other files, such as ${stranger}; choose an empty directory`,
        );
      }
      // Left by a start that was cut short; LMDB takes up an empty file, and dies of one that is not its own.
      if (names.includes(DATA_FILE) && (await stat(join(directory, DATA_FILE))).size > 0) {
        await checkData(directory);
      }
      await checkSpace(directory);
      return { isNew: true };
    }
    checkFormat(directory, format);
    await checkData(directory);
    return { isNew: false };
  } catch (error) {
    throw error instanceof StoreOpenError ? error : cannotUse(directory, error);
  }
}

/** Marks the directory as a store of this format, durably, its files' names included. */
export async function writeFormat(directory: string): Promise<void> {
  try {
    const path = join(directory, FORMAT_FILE);
    await using file = await open(`${path}.new`, 'w');
    await file.writeFile(utf8Encode(`coracle store ${FORMAT}\n`));
    await file.sync();
    await rename(`${path}.new`, path);
    await syncDirectory(directory);
  } catch (error) {
    throw cannotUse(directory, error);
  }
}

export function cannotUse(directory: string, error: unknown): StoreOpenError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreOpenError(`the data directory ${directory} cannot be used: ${reason}`, { cause: error });
}

function checkFormat(directory: string, format: string): void {
  const version = FORMAT_LINE.exec(format)?.[1];
  if (version === undefined) {
    throw new StoreOpenError(
      `${join(directory, FORMAT_FILE)} is damaged; restore ${directory} from a backup`,
    );
  }
  if (Number(version) !== FORMAT) {
    throw new StoreOpenError(
      `${directory} was written by another version of Coracle (store format ${version}, this one reads ${FORMAT}); run that version or choose an empty directory`,
    );
  }
}

/** LMDB maps the file and dies of a signal when pages are missing, so what can be checked is checked before. */
async function checkData(directory: string): Promise<void> {
  const path = join(directory, DATA_FILE);
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) {
    throw new StoreOpenError(
      `${path} is missing; restore ${directory} from a backup or choose an empty directory`,
    );
  }
  await using file = await open(path, constants.O_RDONLY);
  const used = usedBytes(file.fd);
  if (used === undefined || size < used - UNWRITTEN_BYTES_MAX) {
    throw new StoreOpenError(
      `${path} was only half written; restore ${directory} from a backup or choose an empty directory`,
    );
  }
}

/** Finds out before LMDB does, which answers a full disk by damaging its own memory. */
async function checkSpace(directory: string): Promise<void> {
  const path = join(directory, `${FORMAT_FILE}.new`);
  try {
    await writeFile(path, new Uint8Array(FIRST_BYTES));
  } finally {
    await rm(path, { force: true });
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, constants.O_RDONLY);
  await directory.sync();
}
