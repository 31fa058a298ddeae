import type { Pod } from '#api/types/core.v1.ts';
import { choosePodsToDelete } from '../pods/deletion-order.ts';

/** Writes allowed in one pass, so that one huge set cannot starve the queue. */
const WRITES_PER_PASS_MAX = 500;

export interface ReplicaPlan {
  readonly createCount: number;
  readonly remove: readonly Pod[];
}

/**
 * Decides what brings `activePods` to `replicasWanted`, and writes nothing.
 *
 * @param relatedPods active pods of the same application, whose nodes count as crowded when one has to go
 */
export function planReplicas(
  activePods: readonly Pod[],
  replicasWanted: number,
  relatedPods: () => readonly Pod[],
  nowMs: number,
): ReplicaPlan {
  const missing = replicasWanted - activePods.length;
  const writes = Math.min(Math.abs(missing), WRITES_PER_PASS_MAX);
  if (missing >= 0) {
    return { createCount: writes, remove: [] };
  }
  return { createCount: 0, remove: choosePodsToDelete(activePods, relatedPods(), writes, nowMs) };
}
