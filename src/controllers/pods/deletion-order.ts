import { parseTime } from '#api/time.ts';
import type { ContainerStatus, Pod } from '#api/types/core.v1.ts';
import { isPodReady, readySinceMs } from './pod-state.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

export interface RankedPod {
  readonly pod: Pod;
  /** Related active pods on the same node: the more there are, the sooner one of them goes. */
  readonly neighbours: number;
}

/**
 * Compares two pods of one owner: negative when `left` should be deleted first. What matters least goes
 * first: not scheduled, not running, not ready, cheap, crowded, ready for a short time, often restarted, young.
 * Times are compared by their order of magnitude only, so that which of many equals goes is not predictable.
 */
export function compareForDeletion(left: RankedPod, right: RankedPod, nowMs: number): number {
  const { pod: a } = left;
  const { pod: b } = right;
  return (
    Number(isAssigned(a)) - Number(isAssigned(b)) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    right.neighbours - left.neighbours ||
    compareAges(a, b, [readySinceMs(a), readySinceMs(b)], nowMs) ||
    compareRestarts(a, b) ||
    compareAges(a, b, [createdMs(a), createdMs(b)], nowMs)
  );
}

/** The `count` pods of `pods` to delete. `related` are the pods whose nodes are counted as crowded. */
export function choosePodsToDelete(
  pods: readonly Pod[],
  related: readonly Pod[],
  count: number,
  nowMs: number,
): readonly Pod[] {
  if (count >= pods.length) {
    return pods;
  }
  const perNode = new Map<string, number>();
  for (const { spec } of related) {
    perNode.set(spec.nodeName ?? '', (perNode.get(spec.nodeName ?? '') ?? 0) + 1);
  }
  return pods
    .map((pod) => ({ pod, neighbours: perNode.get(pod.spec.nodeName ?? '') ?? 0 }))
    .sort((left, right) => compareForDeletion(left, right, nowMs))
    .slice(0, count)
    .map(({ pod }) => pod);
}

function isAssigned(pod: Pod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}

function phaseRank(pod: Pod): number {
  return PHASE_RANK[pod.status.phase ?? ''] ?? 0;
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST] ?? '';
  return /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

/** The younger first; of the same order of magnitude, by UID, which is as good as chance. */
function compareAges(
  a: Pod,
  b: Pod,
  [aMs, bMs]: readonly [number | undefined, number | undefined],
  nowMs: number,
): number {
  if (aMs === bMs) {
    return 0;
  }
  if (aMs === undefined || bMs === undefined) {
    return aMs === undefined ? -1 : 1;
  }
  const magnitude = magnitudeOf(nowMs - aMs) - magnitudeOf(nowMs - bMs);
  return magnitude === 0 ? (a.metadata.uid < b.metadata.uid ? -1 : 1) : magnitude;
}

function magnitudeOf(durationMs: number): number {
  return durationMs > 0 ? Math.floor(Math.log2(durationMs * 1e6)) : -1;
}

function createdMs(pod: Pod): number | undefined {
  return parseTime(pod.metadata.creationTimestamp);
}

function compareRestarts(a: Pod, b: Pod): number {
  return (
    maxRestarts(b.status.containerStatuses) - maxRestarts(a.status.containerStatuses) ||
    maxSidecarRestarts(b) - maxSidecarRestarts(a)
  );
}

function maxSidecarRestarts({ spec, status }: Pod): number {
  const sidecars = new Set(
    spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  return maxRestarts(status.initContainerStatuses?.filter(({ name }) => sidecars.has(name)));
}

function maxRestarts(statuses: readonly ContainerStatus[] = []): number {
  return Math.max(0, ...statuses.map(({ restartCount }) => restartCount));
}
