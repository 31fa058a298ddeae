import { rm } from 'node:fs/promises';
import type { LocalVolumeDirectory } from '#controllers/local-volumes/local-volume-controller.ts';

/** Volumes of pods that run on this host. */
export function hostVolumes(path: string): LocalVolumeDirectory {
  return { path, remove: (directory) => rm(directory, { recursive: true, force: true }) };
}

/** Volumes of simulated nodes, which have no files. */
export function simVolumes(): LocalVolumeDirectory {
  return { path: '/var/lib/coracle/volumes', remove: () => Promise.resolve() };
}
