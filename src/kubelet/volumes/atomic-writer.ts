import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file to be seen by containers. */
export interface PayloadFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Owner, when it is not the kubelet's own user. */
  readonly uid?: number;
}

/** Relative path to file. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const DATA_LINK = '..data';
const NEW_DATA_LINK = '..data_tmp';
const DIRECTORY_MODE = 0o755;

/**
 * Makes a directory show exactly the payload's files, all changed at one moment:
 *
 * ```
 * volume/..2026_x7Qp/color.txt      the files
 * volume/..data -> ..2026_x7Qp      swapped by one rename
 * volume/color.txt -> ..data/color.txt
 * ```
 *
 * Writes nothing when nothing changed. Returns whether it did.
 *
 * @param groupId the group that may read the files, when it is not the kubelet's own
 */
export async function writeAtomically(
  directory: string,
  payload: Payload,
  groupId?: number,
): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  await chmod(directory, DIRECTORY_MODE);
  const current = await linkTarget(join(directory, DATA_LINK));
  if (current !== undefined && (await isSame(join(directory, current), payload))) {
    return false;
  }
  // Not by join, which would take the dots for the parent.
  const next = await mkdtemp(`${directory}/..`);
  await chmod(next, DIRECTORY_MODE);
  for (const [path, file] of payload) {
    await writePayloadFile(join(next, path), file, groupId);
  }
  const newLink = join(directory, NEW_DATA_LINK);
  await rm(newLink, { force: true });
  await symlink(basename(next), newLink);
  await rename(newLink, join(directory, DATA_LINK));
  await linkNames(directory, payload);
  if (current !== undefined) {
    await rm(join(directory, current), { recursive: true, force: true });
  }
  return true;
}

async function writePayloadFile(
  path: string,
  { data, mode, uid }: PayloadFile,
  groupId?: number,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  await writeFile(path, data);
  if (uid !== undefined || groupId !== undefined) {
    await chown(path, uid ?? process.getuid?.() ?? 0, groupId ?? process.getgid?.() ?? 0);
  }
  // Not by the options of writeFile: the process's umask would take bits away.
  await chmod(path, groupId === undefined ? mode : mode | 0o440);
}

/** Links the first part of each path; links whose path is gone are removed. */
async function linkNames(directory: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  for (const name of await readdir(directory)) {
    if (!name.startsWith('..') && !wanted.has(name)) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }
  for (const name of wanted) {
    if ((await linkTarget(join(directory, name))) === undefined) {
      await rm(join(directory, name), { recursive: true, force: true });
      await symlink(join(DATA_LINK, name), join(directory, name));
    }
  }
}

async function isSame(directory: string, payload: Payload): Promise<boolean> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  if (files.length !== payload.size) {
    return false;
  }
  for (const [path, { data }] of payload) {
    const known = files.some(({ parentPath, name }) => join(parentPath, name) === join(directory, path));
    if (!known || Buffer.compare(await readFile(join(directory, path)), data) !== 0) {
      return false;
    }
  }
  return true;
}

async function linkTarget(path: string): Promise<string | undefined> {
  const isLink = await lstat(path).then(
    (stat) => stat.isSymbolicLink(),
    () => false,
  );
  return isLink ? await readlink(path) : undefined;
}
