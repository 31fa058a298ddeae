import { closeSync, mkdirSync, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ContainerPaths } from './container-record.ts';
import type { LayerStore } from './layer-store.ts';
import type { Libc } from './libc.ts';
import { mountsBelow } from './mount-table.ts';

/** The kernel takes one page of mount options, its last byte for the end mark. */
const OPTION_BYTES_MAX = 4095;

/** Stacks an image's layers with a writable one on top, unless that is done already. */
export function mountRootfs(
  libc: Libc,
  paths: ContainerPaths,
  layers: LayerStore,
  diffIds: readonly string[],
): void {
  for (const directory of [paths.rootfs, paths.upper, paths.work]) {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  }
  if (mountsBelow(paths.rootfs).length > 0) {
    return;
  }
  const lower = diffIds.map((diffId) => layers.path(diffId)).toReversed();
  // Overlayfs needs one lower layer; an image without any gets an empty one.
  const lowest = lower.length === 0 ? [emptyLayer(paths)] : lower;
  const upper = `upperdir=${paths.upper},workdir=${paths.work}`;
  const data = `lowerdir=${lowest.join(':')},${upper}`;
  if (Buffer.byteLength(data) <= OPTION_BYTES_MAX) {
    libc.mount('overlay', paths.rootfs, { type: 'overlay', data });
    return;
  }
  // Through an open directory every path is short, however deep the data directory lies.
  const root = dirname(dirname(lowest[0] ?? ''));
  const fd = openSync(root, 'r');
  try {
    const short = lowest.map((path) => join(`/proc/self/fd/${fd}`, basename(dirname(path)), 'diff'));
    libc.mount('overlay', paths.rootfs, { type: 'overlay', data: `lowerdir=${short.join(':')},${upper}` });
  } finally {
    closeSync(fd);
  }
}

function emptyLayer(paths: ContainerPaths): string {
  const directory = join(paths.directory, 'empty');
  mkdirSync(directory, { recursive: true });
  return directory;
}
