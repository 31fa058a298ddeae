import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from './system-code.ts';

export interface DiskUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/** Bytes of disk that a directory and all below it take. What vanishes meanwhile does not count. */
export async function diskUsage(directory: string): Promise<DiskUsage> {
  let bytes = 0;
  let inodes = 0;
  const pending = [directory];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    try {
      const stats = await lstat(path);
      // Blocks are of 512 bytes, whatever the file system's own size is.
      bytes += stats.blocks * 512;
      inodes += 1;
      if (stats.isDirectory()) {
        for (const name of await readdir(path)) {
          pending.push(join(path, name));
        }
      }
    } catch (error) {
      if (!isMissing(error)) {
        throw error;
      }
    }
  }
  return { bytes, inodes };
}
