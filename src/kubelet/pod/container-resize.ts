import type { LinuxContainerResources } from '#runtime/cri.ts';
import { containerResources, podCgroupPath, podResources } from '../resources/linux-resources.ts';
import { containerNamed } from './pod-containers.ts';
import type { PodContext } from './pod-worker.ts';

/** The parts of a container's limits that can be changed while it runs. */
const RESIZABLE = [
  'cpuShares',
  'cpuQuota',
  'cpuPeriod',
  'memoryLimitInBytes',
  'memorySwapLimitInBytes',
] as const;

/** Brings the limits of running containers to what the spec says now, without restarting them. */
export class ContainerResize {
  /** What was last asked for, by container id: a runtime that reports something else is not asked for ever. */
  readonly #asked = new Map<string, string>();

  step({ pod, runtime, deps, tasks }: PodContext): void {
    for (const instance of runtime.containers) {
      const container = containerNamed(pod, instance.notes.name);
      if (instance.state !== 'running' || instance.resources === undefined || container === undefined) {
        this.#asked.delete(instance.id);
        continue;
      }
      const wanted = containerResources(pod, container, deps.node.memoryCapacityBytes);
      const asked = JSON.stringify(wanted);
      const changes = changesOf(instance.resources, wanted);
      if (this.#asked.get(instance.id) === asked) {
        continue;
      }
      this.#asked.set(instance.id, asked);
      if (Object.keys(changes).length > 0) {
        tasks.run(`resize ${instance.id}`, async () => {
          await deps.cgroups.ensure(podCgroupPath(pod), podResources(pod));
          await deps.runtime.updateContainerResources(instance.id, changes);
        });
      }
    }
  }
}

/** A limit that was taken away stays: the runtime's port has no word for "no limit any more". */
function changesOf(now: LinuxContainerResources, wanted: LinuxContainerResources): LinuxContainerResources {
  return Object.fromEntries(
    RESIZABLE.flatMap((key) => {
      const value = wanted[key];
      return value === undefined || value === now[key] ? [] : [[key, value]];
    }),
  );
}
