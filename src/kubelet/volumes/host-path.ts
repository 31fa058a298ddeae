import { dirname } from 'node:path';
import type { Stats } from 'node:fs';
import { SYSTEM_DISK, type Disk } from '#base/disk.ts';
import type { HostPathVolumeSource } from '#api/types/core.v1.ts';

/**
 * Checks a path of the host against what the volume says it is, and makes what may be made.
 *
 * @returns true when the path was not there before
 * @throws {Error} in upstream's words
 */
export async function prepareHostPath(
  { path, type = '' }: HostPathVolumeSource,
  disk: Disk = SYSTEM_DISK,
): Promise<boolean> {
  const found = await disk.stat(path).catch(() => undefined);
  switch (type) {
    case '':
      // As container runtimes do for a source that is not there.
      await (found === undefined ? disk.mkdir(path, { recursive: true, mode: 0o755 }) : Promise.resolve());
      return found === undefined;
    case 'DirectoryOrCreate':
      if (found === undefined) {
        await disk.mkdir(path, { recursive: true, mode: 0o755 });
        return true;
      }
      check(found.isDirectory(), path, 'a directory');
      return false;
    case 'FileOrCreate':
      if (found === undefined) {
        await disk.mkdir(dirname(path), { recursive: true, mode: 0o755 });
        await disk.writeFile(path, '', { mode: 0o644 });
        return true;
      }
      check(!found.isDirectory(), path, 'a file');
      return false;
    default:
      checkType(found, path, type);
      return false;
  }
}

function checkType(found: Stats | undefined, path: string, type: string): void {
  switch (type) {
    case 'Directory':
      return check(found?.isDirectory() === true, path, 'a directory');
    case 'File':
      return check(found?.isFile() === true, path, 'a file');
    case 'Socket':
      return check(found?.isSocket() === true, path, 'a socket file');
    case 'CharDevice':
      return check(found?.isCharacterDevice() === true, path, 'a character device');
    case 'BlockDevice':
      return check(found?.isBlockDevice() === true, path, 'a block device');
    default:
      throw new Error(`${type} is an invalid volume type`);
  }
}

function check(isRight: boolean, path: string, what: string): void {
  if (!isRight) {
    throw new Error(`hostPath type check failed: ${path} is not ${what}`);
  }
}
