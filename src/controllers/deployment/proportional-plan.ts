import type { Deployment, ReplicaSet } from '#api/types/apps.v1.ts';
import { byCreation, type Resize } from './rolling-plan.ts';
import { isRollingUpdate, maxSurge, replicasOf, totalReplicas } from './rollout-bounds.ts';
import { desiredReplicasOf, maxReplicasOf } from './revisions.ts';

/**
 * The sizes after the deployment itself was scaled. One active set simply follows; of several, in the middle of a
 * rollout, each gets its share, so that the risk stays spread as it was.
 */
export function planScaling(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): readonly Resize[] {
  const wanted = replicasOf(deployment);
  const only = activeOrLatest(newSet, oldSets);
  if (only !== undefined) {
    return [{ set: only, replicas: wanted }];
  }
  const activeOld = oldSets.filter((set) => replicasOf(set) > 0);
  if (newSet !== undefined && isSaturated(deployment, newSet)) {
    return activeOld.map((set) => ({ set, replicas: 0 }));
  }
  if (!isRollingUpdate(deployment)) {
    return [];
  }
  const active = [...activeOld, ...(newSet !== undefined && replicasOf(newSet) > 0 ? [newSet] : [])];
  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0;
  return distribute(deployment, active, allowed - totalReplicas(active));
}

function distribute(deployment: Deployment, sets: readonly ReplicaSet[], toAdd: number): readonly Resize[] {
  const largestFirst = sets.toSorted(
    (left, right) =>
      replicasOf(right) - replicasOf(left) || (toAdd > 0 ? byCreation(right, left) : byCreation(left, right)),
  );
  let added = 0;
  const sizes = largestFirst.map((set) => {
    const share = toAdd === 0 ? 0 : shareOf(deployment, set, toAdd - added, toAdd > 0);
    added += share;
    return { set, replicas: replicasOf(set) + share };
  });
  // What rounding left over goes to the largest.
  return sizes.map(({ set, replicas }, index) => ({
    set,
    replicas: index === 0 && toAdd !== 0 ? Math.max(replicas + toAdd - added, 0) : replicas,
  }));
}

function shareOf(deployment: Deployment, set: ReplicaSet, left: number, isGrowing: boolean): number {
  const size = replicasOf(set);
  if (size === 0 || left === 0) {
    return 0;
  }
  const fraction = fractionOf(deployment, set);
  return isGrowing ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const size = replicasOf(set);
  const wanted = replicasOf(deployment);
  if (wanted === 0) {
    return -size;
  }
  const before = maxReplicasOf(set) ?? deployment.status.replicas ?? 0;
  return before === 0 ? 0 : Math.round((size * (wanted + maxSurge(deployment))) / before) - size;
}

/** The one active set; the newest when none is active; undefined when several are. */
function activeOrLatest(
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): ReplicaSet | undefined {
  const all = [...oldSets, ...(newSet === undefined ? [] : [newSet])];
  const active = all.filter((set) => replicasOf(set) > 0);
  if (active.length === 0) {
    return newSet ?? all.toSorted(byCreation).at(-1);
  }
  return active.length === 1 ? active[0] : undefined;
}

/** The new set alone serves all that was asked for when it was last sized. */
function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  return (
    desiredReplicasOf(set) === wanted && replicasOf(set) === wanted && set.status.availableReplicas === wanted
  );
}
