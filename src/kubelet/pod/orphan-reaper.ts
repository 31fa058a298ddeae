import type { Logger } from '#base/log.ts';
import type { RuntimeService } from '#runtime/cri.ts';
import type { PodCgroups } from '../resources/pod-cgroups.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import type { PodPaths } from './pod-paths.ts';
import { POD_UID_LABEL } from './runtime-labels.ts';
import { isAlive, RuntimePodReader } from './runtime-pod.ts';

export interface OrphanReaperDeps {
  readonly runtime: RuntimeService;
  readonly volumes: PodVolumes;
  readonly cgroups: PodCgroups;
  readonly paths: PodPaths;
  readonly log: Logger;
}

/** Ends what runs of pods that were deleted while the kubelet was away, and deletes what they left. */
export class OrphanReaper {
  readonly #deps: OrphanReaperDeps;

  constructor(deps: OrphanReaperDeps) {
    this.#deps = deps;
  }

  /** @param isKnown whether the pod is on the server or still leaving; asked once the server's list is there */
  async reap(isKnown: (uid: string) => boolean): Promise<void> {
    const { runtime, paths } = this.#deps;
    const sandboxes = await runtime.listPodSandbox();
    const inRuntime = sandboxes.map(({ labels }) => labels[POD_UID_LABEL] ?? '');
    const onDisk = await paths.disk.readdir(paths.podsDirectory).catch(() => []);
    const orphans = new Set([...inRuntime, ...onDisk].filter((uid) => uid !== '' && !isKnown(uid)));
    await Promise.all([...orphans].map((uid) => this.#reapPod(uid)));
  }

  async #reapPod(uid: string): Promise<void> {
    const { runtime, volumes, cgroups, paths, log } = this.#deps;
    log.info('ending a pod that the server no longer has', { uid });
    const { sandboxes, containers } = await new RuntimePodReader(runtime, uid).read();
    await Promise.all(
      containers.filter(isAlive).map(({ id, notes }) => runtime.stopContainer(id, notes.gracePeriodSeconds)),
    );
    for (const { id } of sandboxes) {
      await runtime.removePodSandbox(id);
    }
    await volumes.unmount(uid);
    for (const parent of ['/kubepods', '/kubepods/burstable', '/kubepods/besteffort']) {
      await cgroups.remove(`${parent}/pod${uid}`);
    }
    await paths.disk.rm(paths.podDirectory(uid), { recursive: true, force: true });
    for (const directory of await paths.disk.readdir(paths.logsDirectory).catch(() => [])) {
      if (directory.endsWith(`_${uid}`)) {
        await paths.disk.rm(`${paths.logsDirectory}/${directory}`, { recursive: true, force: true });
      }
    }
  }
}
