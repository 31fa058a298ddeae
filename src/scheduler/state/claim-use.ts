import type { PodSpec } from '#api/types/core.v1.ts';
import type { PlacedPod } from './placed-pod.ts';

/** Names of the claims a pod mounts, in its namespace. A generic ephemeral volume's claim is named after both. */
export function claimNamesOf(podName: string, { volumes = [] }: PodSpec): readonly string[] {
  return volumes.flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) {
      return [persistentVolumeClaim.claimName];
    }
    return ephemeral === undefined ? [] : [`${podName}-${name}`];
  });
}

/** Which placed pods use which persistent volume claims. */
export class ClaimUse {
  readonly #users = new Map<string, Set<PlacedPod>>();

  podAdded(pod: PlacedPod): void {
    for (const key of claimKeysOf(pod)) {
      const users = this.#users.get(key) ?? new Set();
      users.add(pod);
      this.#users.set(key, users);
    }
  }

  podRemoved(pod: PlacedPod): void {
    for (const key of claimKeysOf(pod)) {
      const users = this.#users.get(key);
      users?.delete(pod);
      if (users?.size === 0) {
        this.#users.delete(key);
      }
    }
  }

  /** @param key `namespace/name` of the claim */
  users(key: string): ReadonlySet<PlacedPod> {
    return this.#users.get(key) ?? NO_PODS;
  }
}

const NO_PODS: ReadonlySet<PlacedPod> = new Set();
const NO_KEYS: readonly string[] = [];

function claimKeysOf({ pod }: PlacedPod): readonly string[] {
  if (pod.spec.volumes === undefined || pod.spec.volumes.length === 0) {
    return NO_KEYS;
  }
  return claimNamesOf(pod.metadata.name, pod.spec).map((name) => `${pod.metadata.namespace}/${name}`);
}
