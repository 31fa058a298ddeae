import { scaledValue } from '#api/int-or-string.ts';
import type { Deployment, ReplicaSet } from '#api/types/apps.v1.ts';

export function replicasOf(owner: { readonly spec: { readonly replicas?: number } }): number {
  return owner.spec.replicas ?? 1;
}

export function totalReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + replicasOf(set), 0);
}

export function totalAvailable(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.status.availableReplicas ?? 0), 0);
}

export function isRollingUpdate({ spec }: Deployment): boolean {
  return spec.strategy.type !== 'Recreate';
}

/** Pods that may exist beyond `replicas` while a rollout goes on. */
export function maxSurge(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

/** Pods that may be missing from `replicas` at any time. */
export function maxUnavailable(deployment: Deployment): number {
  const replicas = replicasOf(deployment);
  return isRollingUpdate(deployment) ? Math.min(fenceposts(deployment).unavailable, replicas) : 0;
}

/** Surge rounds up and unavailable down; when both come to nothing, one pod may be missing, or nothing could move. */
function fenceposts({ spec }: Deployment): { readonly surge: number; readonly unavailable: number } {
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec.strategy.rollingUpdate ?? {};
  const replicas = spec.replicas ?? 1;
  const surge = scaledValue(maxSurge, replicas, 'up') ?? 0;
  const unavailable = scaledValue(maxUnavailable, replicas, 'down') ?? 0;
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}
