import {
  chmodSync,
  closeSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Libc } from './libc.ts';
import { resolveInRoot } from './rooted-path.ts';
import { TarError, type TarHeader, type TarSink } from './tar-reader.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const FILE_TYPE = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/** What a layer brought to the disk. */
export interface LayerUsage {
  readonly bytes: number;
  readonly files: number;
}

/**
 * Writes the members of a layer below one directory, in the form that overlayfs stacks: a deleted file is a
 * character device 0:0, a hidden directory has an attribute.
 *
 * Layers come from strangers. No name, link or sequence of both reaches outside the directory: parents are
 * resolved as if it were the root, the last component is replaced and never followed, and the attributes by
 * which overlayfs itself is steered are refused.
 */
export class LayerWriter implements TarSink {
  readonly #root: string;
  readonly #libc: Libc;
  #fd: number | undefined;
  #current: { readonly path: string; readonly header: TarHeader } | undefined;
  #bytes = 0;
  #files = 0;
  /** Parents already resolved; forgotten whenever something that may lie on a path is replaced. */
  readonly #parents = new Map<string, string>();
  readonly #directoryTimes: { readonly path: string; readonly mtimeMs: number }[] = [];

  constructor(root: string, libc: Libc) {
    this.#root = root;
    this.#libc = libc;
  }

  get usage(): LayerUsage {
    return { bytes: this.#bytes, files: this.#files };
  }

  begin(header: TarHeader): void {
    const parts = nameParts(header.path);
    const name = parts.at(-1);
    if (name === undefined) {
      if (header.type === 'directory') {
        this.#setMetadata(this.#root, header);
      }
      return;
    }
    const parent = this.#parent(parts.slice(0, -1));
    if (name === OPAQUE) {
      this.#libc.setAttribute(parent, 'trusted.overlay.opaque', Buffer.from('y'));
      return;
    }
    if (name.startsWith(WHITEOUT)) {
      this.#whiteOut(parent, name.slice(WHITEOUT.length));
      return;
    }
    this.#create(join(parent, name), header);
  }

  data(bytes: Buffer): void {
    if (this.#fd !== undefined) {
      for (let at = 0; at < bytes.length;) {
        at += writeSync(this.#fd, bytes, at);
      }
      this.#bytes += bytes.length;
    }
  }

  end(): void {
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
      this.#fd = undefined;
    }
    if (this.#current !== undefined) {
      this.#setMetadata(this.#current.path, this.#current.header);
      this.#current = undefined;
    }
  }

  /** Lets go of an open file, and sets the times of directories, which writing into them had changed. */
  close(): void {
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
      this.#fd = undefined;
    }
    for (const { path, mtimeMs } of this.#directoryTimes) {
      if (existsSync(path)) {
        lutimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
      }
    }
  }

  #create(path: string, header: TarHeader): void {
    this.#files += 1;
    const existing = lstatSync(path, { throwIfNoEntry: false });
    if (header.type === 'directory' && existing?.isDirectory() === true) {
      this.#current = { path, header };
      return;
    }
    if (existing !== undefined) {
      rmSync(path, { recursive: true });
      this.#parents.clear();
    }
    switch (header.type) {
      case 'file':
        this.#fd = openSync(path, 'wx', 0o600);
        break;
      case 'directory':
        mkdirSync(path);
        break;
      case 'symlink':
        symlinkSync(header.linkPath, path);
        this.#parents.clear();
        break;
      case 'hardlink':
        linkSync(this.#linkTarget(header.linkPath), path);
        return; // Owner and mode are those of the file it names.
      case 'character':
      case 'block':
      case 'fifo': {
        const mode = FILE_TYPE[header.type] | header.mode;
        this.#libc.makeNode(path, mode, header.deviceMajor, header.deviceMinor);
        break;
      }
    }
    this.#current = { path, header };
  }

  #setMetadata(path: string, header: TarHeader): void {
    lchownSync(path, header.uid, header.gid);
    if (header.type !== 'symlink') {
      chmodSync(path, header.mode);
    }
    for (const [name, value] of header.attributes) {
      if (name === 'security.capability' || name.startsWith('user.')) {
        this.#libc.setAttribute(path, name, value);
      }
    }
    if (header.type === 'directory') {
      this.#directoryTimes.push({ path, mtimeMs: header.mtimeMs });
    } else {
      lutimesSync(path, header.mtimeMs / 1000, header.mtimeMs / 1000);
    }
  }

  #whiteOut(parent: string, name: string): void {
    if (name === '' || name === '.' || name === '..') {
      throw new TarError(`${WHITEOUT}${name} deletes nothing`);
    }
    rmSync(join(parent, name), { recursive: true, force: true });
    this.#parents.clear();
    this.#libc.makeNode(join(parent, name), FILE_TYPE.character, 0, 0);
  }

  /** The real directory for these components, made where it is missing. */
  #parent(parts: readonly string[]): string {
    const key = parts.join('/');
    const known = this.#parents.get(key);
    if (known !== undefined) {
      return known;
    }
    const path = resolveInRoot(this.#root, key);
    mkdirSync(path, { recursive: true });
    this.#parents.set(key, path);
    return path;
  }

  #linkTarget(linkPath: string): string {
    const parts = nameParts(linkPath);
    const directory = resolveInRoot(this.#root, dirname(parts.join('/')));
    const path = join(directory, basename(parts.join('/')));
    if (parts.length === 0 || lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== false) {
      throw new TarError(`hard link to ${linkPath}, which is no file of this layer`);
    }
    return path;
  }
}

/** @throws {TarError} for a name that climbs */
function nameParts(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || path.includes('\0')) {
    throw new TarError(`${JSON.stringify(path)} leads out of the layer`);
  }
  return parts;
}
