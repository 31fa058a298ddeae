import { basename, dirname, join } from 'node:path';
import { SYSTEM_DISK, type Disk } from '#base/disk.ts';

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
  disk: Disk = SYSTEM_DISK,
): Promise<boolean> {
  await disk.mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  await disk.chmod(directory, DIRECTORY_MODE);
  const current = await linkTarget(disk, join(directory, DATA_LINK));
  if (current !== undefined && (await isSame(disk, join(directory, current), payload))) {
    return false;
  }
  // Not by join, which would take the dots for the parent.
  const next = await disk.mkdtemp(`${directory}/..`);
  await disk.chmod(next, DIRECTORY_MODE);
  for (const [path, file] of payload) {
    await writePayloadFile(disk, join(next, path), file, groupId);
  }
  const newLink = join(directory, NEW_DATA_LINK);
  await disk.rm(newLink, { force: true });
  await disk.symlink(basename(next), newLink);
  await disk.rename(newLink, join(directory, DATA_LINK));
  await linkNames(disk, directory, payload);
  if (current !== undefined) {
    await disk.rm(join(directory, current), { recursive: true, force: true });
  }
  return true;
}

async function writePayloadFile(
  disk: Disk,
  path: string,
  { data, mode, uid }: PayloadFile,
  groupId?: number,
): Promise<void> {
  await disk.mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  await disk.writeFile(path, data);
  if (uid !== undefined || groupId !== undefined) {
    await disk.chown(path, uid ?? process.getuid?.() ?? 0, groupId ?? process.getgid?.() ?? 0);
  }
  // Not by the options of writeFile: the process's umask would take bits away.
  await disk.chmod(path, groupId === undefined ? mode : mode | 0o440);
}

/** Links the first part of each path; links whose path is gone are removed. */
async function linkNames(disk: Disk, directory: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  for (const name of await disk.readdir(directory)) {
    if (!name.startsWith('..') && !wanted.has(name)) {
      await disk.rm(join(directory, name), { recursive: true, force: true });
    }
  }
  for (const name of wanted) {
    if ((await linkTarget(disk, join(directory, name))) === undefined) {
      await disk.rm(join(directory, name), { recursive: true, force: true });
      await disk.symlink(join(DATA_LINK, name), join(directory, name));
    }
  }
}

async function isSame(disk: Disk, directory: string, payload: Payload): Promise<boolean> {
  const files = (await disk.entriesBelow(directory)).filter((entry) => entry.isFile());
  if (files.length !== payload.size) {
    return false;
  }
  for (const [path, { data }] of payload) {
    const known = files.some(({ parentPath, name }) => join(parentPath, name) === join(directory, path));
    if (!known || Buffer.compare(await disk.readFile(join(directory, path)), data) !== 0) {
      return false;
    }
  }
  return true;
}

async function linkTarget(disk: Disk, path: string): Promise<string | undefined> {
  const isLink = await disk.lstat(path).then(
    (stat) => stat.isSymbolicLink(),
    () => false,
  );
  return isLink ? await disk.readlink(path) : undefined;
}
