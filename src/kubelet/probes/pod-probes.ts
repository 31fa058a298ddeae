import type { Pod } from '#api/types/core.v1.ts';
import type { ContainerHealth } from '../pod/pod-plan.ts';
import type { ContainerInstance } from '../pod/runtime-pod.ts';

/** The probes of one pod's containers. */
export interface PodProbes {
  /** From now on probes these running containers and no others. */
  follow(pod: Pod, running: readonly ContainerInstance[], podIp: string): void;
  health(instance: ContainerInstance): ContainerHealth;
  /** Whether the readiness probe, if there is one, has succeeded. */
  isReady(instance: ContainerInstance): boolean;
  close(): Promise<void>;
}

/** For pods without probes. */
export const NO_PROBES: PodProbes = {
  follow: () => undefined,
  health: () => ({ hasStarted: true, failedProbe: undefined }),
  isReady: () => true,
  close: () => Promise.resolve(),
};
