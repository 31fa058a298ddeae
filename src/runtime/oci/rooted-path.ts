import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from './system-code.ts';

/** As the kernel: more links than this in one path are a loop. */
const LINKS_MAX = 40;

/** Symbolic links that lead to each other. */
export class LinkLoopError extends Error {
  override readonly name = 'LinkLoopError';
  readonly code = 'ELOOP';

  constructor(path: string) {
    super(`too many symbolic links in ${path}`);
  }
}

/**
 * Where `path` is when `root` is taken for `/`: symbolic links are followed inside and can never lead out.
 * What does not exist yet is taken literally.
 */
export function resolveInRoot(root: string, path: string): string {
  const pending = path.split('/').toReversed();
  let resolved: string[] = [];
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '' || part === '.') {
      continue;
    }
    if (part === '..') {
      resolved.pop();
      continue;
    }
    const target = linkTarget(join(root, ...resolved, part));
    if (target === undefined) {
      resolved.push(part);
      continue;
    }
    if (++links > LINKS_MAX) {
      throw new LinkLoopError(path);
    }
    if (target.startsWith('/')) {
      resolved = [];
    }
    pending.push(...target.split('/').toReversed());
  }
  return join(root, ...resolved);
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}
