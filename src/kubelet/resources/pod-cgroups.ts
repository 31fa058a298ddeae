import type { LinuxContainerResources } from '#runtime/cri.ts';

/** The cgroups of pods, parents of their containers' own. The runtime of real containers makes them. */
export interface PodCgroups {
  /** Makes the pod's cgroup (and its class's) in every hierarchy, or changes its limits. */
  ensure(path: string, resources: LinuxContainerResources): Promise<void>;
  /** Removes it with all that is empty below. Succeeds when there is none. */
  remove(path: string): Promise<void>;
}

/** For nodes whose containers are not processes of this machine. */
export const NO_CGROUPS: PodCgroups = {
  ensure: () => Promise.resolve(),
  remove: () => Promise.resolve(),
};
