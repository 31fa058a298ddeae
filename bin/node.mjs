// Finds the Node that the lockfile pins. Plain JavaScript: it has to run on whatever Node the machine has.
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Oldest Node that strips types from every construct in this tree and has DisposableStack and node:ffi. */
const NODE_MAJOR_MIN = 26;

/** The pinned Node's path, or this process's own when it is new enough, or undefined. */
export function findNode() {
  const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`];
  // As an installed package the pinned Node is hoisted beside it; in a clone it is below it.
  const roots = [join(ROOT, 'node_modules'), join(ROOT, '..'), join(ROOT, '..', '..')];
  for (const root of roots) {
    for (const name of names) {
      const path = join(root, name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
      if (existsSync(path)) {
        // As process.execPath has it: else a linked node_modules would start this Node by itself for ever.
        return realpathSync(path);
      }
    }
  }
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN ? process.execPath : undefined;
}
