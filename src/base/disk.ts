import type { Dirent, Stats } from 'node:fs';
import * as blocking from 'node:fs';
import * as system from 'node:fs/promises';

/** What is asked of a file system. Errors are Node's, with their codes. */
export interface Disk {
  chmod(path: string, mode: number): Promise<void>;
  chown(path: string, uid: number, gid: number): Promise<void>;
  lstat(path: string): Promise<Stats>;
  mkdir(path: string, options: { readonly recursive: true; readonly mode?: number }): Promise<unknown>;
  /** Makes a directory whose name begins like this, and returns its path. */
  mkdtemp(prefix: string): Promise<string>;
  readFile(path: string): Promise<Buffer>;
  /** The last bytes of a file, all of a short one. */
  readEnd(path: string, bytesMax: number): Promise<Buffer>;
  readdir(path: string): Promise<string[]>;
  /** Everything in the directory and in those below. */
  entriesBelow(path: string): Promise<Dirent[]>;
  readlink(path: string): Promise<string>;
  realpath(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly recursive?: boolean; readonly force?: boolean }): Promise<void>;
  stat(path: string): Promise<Stats>;
  symlink(target: string, path: string): Promise<void>;
  writeFile(path: string, data: string | Uint8Array, options?: { readonly mode?: number }): Promise<void>;
}

const DEEP = { recursive: true, withFileTypes: true } as const;

/** This machine's, without waiting for it. */
export const SYSTEM_DISK: Disk = {
  chmod: system.chmod,
  chown: system.chown,
  lstat: (path) => system.lstat(path),
  mkdir: (path, options) => system.mkdir(path, options),
  mkdtemp: (prefix) => system.mkdtemp(prefix),
  readFile: (path) => system.readFile(path),
  readEnd: async (path, bytesMax) => {
    const file = await system.open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, bytesMax);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },
  readdir: (path) => system.readdir(path),
  entriesBelow: (path) => system.readdir(path, DEEP),
  readlink: (path) => system.readlink(path),
  realpath: (path) => system.realpath(path),
  rename: system.rename,
  rm: system.rm,
  stat: (path) => system.stat(path),
  symlink: (target, path) => system.symlink(target, path),
  writeFile: (path, data, options) => system.writeFile(path, data, options),
};

/**
 * This machine's, one operation after the other in the order they are asked for, each done at once. For clusters on a
 * clock that others move: it does not move while something is under way, and what comes first does not hang on the disk.
 */
export const BLOCKING_DISK: Disk = {
  chmod: async (path, mode) => blocking.chmodSync(path, mode),
  chown: async (path, uid, gid) => blocking.chownSync(path, uid, gid),
  lstat: async (path) => blocking.lstatSync(path),
  mkdir: async (path, options) => blocking.mkdirSync(path, options),
  mkdtemp: async (prefix) => blocking.mkdtempSync(prefix),
  readFile: async (path) => blocking.readFileSync(path),
  readEnd: async (path, bytesMax) => {
    const bytes = blocking.readFileSync(path);
    return bytes.subarray(Math.max(bytes.length - bytesMax, 0));
  },
  readdir: async (path) => blocking.readdirSync(path),
  entriesBelow: async (path) => blocking.readdirSync(path, DEEP),
  readlink: async (path) => blocking.readlinkSync(path),
  realpath: async (path) => blocking.realpathSync(path),
  rename: async (from, to) => blocking.renameSync(from, to),
  rm: async (path, options) => blocking.rmSync(path, options),
  stat: async (path) => blocking.statSync(path),
  symlink: async (target, path) => blocking.symlinkSync(target, path),
  writeFile: async (path, data, options) => blocking.writeFileSync(path, data, options),
};
