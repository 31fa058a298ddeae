import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodCgroups } from '../resources/pod-cgroups.ts';
import type { HostMounts } from '../volumes/host-mounts.ts';

export interface NodeTraces {
  /** As given to the kubelet. */
  readonly dataDir: string;
  readonly logsDir?: string;
  readonly memoryDir?: string;
  readonly cgroups: PodCgroups;
  readonly mounts: HostMounts;
}

/**
 * Removes what the kubelet of a node keeps on its host: volumes, logs, cgroups. For a node that is given up,
 * after its kubelet was closed and its containers are gone; also one whose process was killed.
 */
export async function removeNodeTraces({
  dataDir,
  logsDir,
  memoryDir,
  cgroups,
  mounts,
}: NodeTraces): Promise<void> {
  const pods = join(dataDir, 'pods');
  await mounts.unmountBelow(pods);
  for (const uid of await readdir(pods).catch(() => [])) {
    for (const parent of ['/kubepods', '/kubepods/burstable', '/kubepods/besteffort']) {
      await cgroups.remove(`${parent}/pod${uid}`);
    }
  }
  await cgroups.tidy();
  for (const directory of [dataDir, logsDir, memoryDir]) {
    if (directory !== undefined) {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
