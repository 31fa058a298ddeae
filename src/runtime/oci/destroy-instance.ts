import { existsSync, readdirSync, rmSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import { RuntimeError } from '../cri.ts';
import type { Cgroups } from './cgroups.ts';
import type { InstancePaths } from './instance-paths.ts';
import type { Libc } from './libc.ts';
import { mountsBelow } from './mount-table.ts';
import { Netlink } from './netlink.ts';
import type { PodNetwork } from './pod-network.ts';

const KILL_ROUND_MS = 10;
/** Rounds of waiting for the kernel to take links away. */
const LINK_ROUNDS_MAX = 300;
/** Rounds of waiting until emptied cgroups can be removed. */
const REMOVE_ROUNDS_MAX = 200;

export interface DestroyOptions {
  readonly paths: InstancePaths;
  readonly cgroups: Cgroups;
  readonly libc: Libc;
  readonly network: PodNetwork;
  readonly clock: Clock;
}

/**
 * Removes everything that a runtime instance has on this host but its images: processes, mounts, network,
 * cgroups, containers and sandboxes. Goes by the instance's names alone, so it also works after a crash, and
 * touches nothing of anybody else.
 */
export async function destroyInstance({
  paths,
  cgroups,
  libc,
  network,
  clock,
}: DestroyOptions): Promise<void> {
  const pause = async (): Promise<void> => await clock.sleep(KILL_ROUND_MS);
  if (!(await cgroups.kill(paths.cgroup, pause))) {
    throw new RuntimeError('unavailable', `processes in cgroup ${paths.cgroup} do not end`);
  }
  using links = new Netlink(libc);
  const sandboxes = existsSync(paths.sandboxes) ? readdirSync(paths.sandboxes) : [];
  for (const directory of [paths.containers, paths.sandboxes, paths.runDir]) {
    for (const mount of mountsBelow(directory)) {
      libc.unmount(mount);
    }
    rmSync(directory, { recursive: true, force: true });
  }
  await network.destroy();
  // The links of pods go with their namespaces, a little after the last reference to those.
  for (
    let round = 0;
    round < LINK_ROUNDS_MAX && sandboxes.some((id) => links.hasLink(paths.veth(id)));
    round++
  ) {
    await pause();
  }
  for (let round = 0; !cgroups.remove(paths.cgroup); round++) {
    if (round === REMOVE_ROUNDS_MAX) {
      throw new RuntimeError('unavailable', `cgroup ${paths.cgroup} cannot be removed`);
    }
    await pause();
  }
}
