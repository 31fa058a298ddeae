import type { Deployment, ReplicaSet } from '#api/types/apps.v1.ts';
import {
  isRollingUpdate,
  maxSurge,
  maxUnavailable,
  replicasOf,
  totalAvailable,
  totalReplicas,
} from './rollout-bounds.ts';

/** A ReplicaSet and the size that it should have. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** The size of the new set: as many as the surge leaves room for, never more than are wanted. */
export function newSetSize(
  deployment: Deployment,
  allSets: readonly ReplicaSet[],
  newSetReplicas: number,
): number {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment) || newSetReplicas > wanted) {
    return wanted;
  }
  const room = wanted + maxSurge(deployment) - totalReplicas(allSets);
  return room <= 0 ? newSetReplicas : newSetReplicas + Math.min(room, wanted - newSetReplicas);
}

/**
 * Shrinks the old sets as far as availability allows: first the pods that are not healthy anyway, then healthy
 * ones as new pods become available.
 */
export function shrinkOldSets(
  deployment: Deployment,
  newSet: ReplicaSet,
  oldSets: readonly ReplicaSet[],
): readonly Resize[] {
  const minAvailable = replicasOf(deployment) - maxUnavailable(deployment);
  const newUnavailable = replicasOf(newSet) - (newSet.status.availableReplicas ?? 0);
  const removable = totalReplicas([...oldSets, newSet]) - minAvailable - newUnavailable;
  if (totalReplicas(oldSets) === 0 || removable <= 0) {
    return [];
  }
  const sizes = new Map(oldSets.toSorted(byCreation).map((set) => [set, replicasOf(set)]));
  const unhealthy = (set: ReplicaSet): number =>
    Math.max(replicasOf(set) - (set.status.availableReplicas ?? 0), 0);
  takeFrom(sizes, removable, unhealthy);
  const spare = totalAvailable([...oldSets, newSet]) - minAvailable;
  takeFrom(sizes, spare, (set) => sizes.get(set) ?? 0);
  return [...sizes].map(([set, replicas]) => ({ set, replicas })).filter(isResize);
}

/** Takes up to `budget` replicas from the sets in order, from each at most `most(set)`. */
function takeFrom(sizes: Map<ReplicaSet, number>, budget: number, most: (set: ReplicaSet) => number): void {
  let left = budget;
  for (const [set, size] of sizes) {
    const taken = Math.max(Math.min(left, most(set), size), 0);
    sizes.set(set, size - taken);
    left -= taken;
  }
}

export function isResize({ set, replicas }: Resize): boolean {
  return replicasOf(set) !== replicas;
}

/** Oldest first; those made in the same second by name. */
export function byCreation(left: ReplicaSet, right: ReplicaSet): number {
  const [a, b] = [left.metadata, right.metadata];
  return a.creationTimestamp.localeCompare(b.creationTimestamp) || (a.name < b.name ? -1 : 1);
}
