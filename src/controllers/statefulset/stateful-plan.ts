import { scaledValue } from '#api/int-or-string.ts';
import type { StatefulSet, StatefulSetStatus } from '#api/types/apps.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { isPodAvailable, isPodReady, isPodTerminal } from '../pods/pod-state.ts';
import { ordinalOf, REVISION_LABEL } from './stateful-pod.ts';

export interface StatefulInput {
  readonly set: StatefulSet;
  /** Every pod of the set, terminating ones included. */
  readonly pods: readonly Pod[];
  /** Names of the revision that the set moves from, and to. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly nowMs: number;
}

export interface StatefulPlan {
  /** Pods to make, each from one of the two revisions. */
  readonly create: readonly { readonly ordinal: number; readonly isUpdated: boolean }[];
  readonly remove: readonly Pod[];
  readonly status: StatefulSetStatus;
}

interface Steps {
  readonly create: { readonly ordinal: number; readonly isUpdated: boolean }[];
  readonly remove: Pod[];
}

/**
 * Decides the next step and writes nothing. In order, one pod at a time, unless the set asks for all at once:
 * fill the ordinals upwards, each only when all below are well; shrink downwards; then update downwards.
 */
export function planStatefulSet(input: StatefulInput): StatefulPlan {
  const steps: Steps = { create: [], remove: [] };
  if (fill(input, steps) && shrink(input, steps)) {
    update(input, steps);
  }
  return { ...steps, status: statusOf(input) };
}

/** True when nothing is in the way of going on. */
function fill(input: StatefulInput, { create, remove }: Steps): boolean {
  const isOrdered = isOneByOne(input);
  const byOrdinal = podsByOrdinal(input);
  for (const ordinal of ordinalsOf(input)) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) {
      create.push({ ordinal, isUpdated: isUpdatedOrdinal(input, ordinal) });
    } else if (isPodTerminal(pod) && isLive(pod)) {
      remove.push(pod);
    } else if (isLive(pod) && isAvailable(input, pod)) {
      continue;
    }
    if (isOrdered) {
      return false;
    }
  }
  return true;
}

function shrink(input: StatefulInput, { remove }: Steps): boolean {
  const isOrdered = isOneByOne(input);
  const { first, end } = rangeOf(input.set);
  const condemned = [...podsByOrdinal(input)]
    .filter(([ordinal]) => ordinal < first || ordinal >= end)
    .sort(([left], [right]) => right - left)
    .map(([, pod]) => pod);
  const firstUnhealthy = condemned.findLast((pod) => !isLive(pod) || !isPodReady(pod));
  for (const pod of condemned) {
    if (isLive(pod)) {
      if (isOrdered && !isPodReady(pod) && pod !== firstUnhealthy) {
        return false;
      }
      remove.push(pod);
    }
    if (isOrdered) {
      return false;
    }
  }
  return true;
}

/** Deletes pods of older revisions from the highest ordinal down, as many as may be missing at once. */
function update(input: StatefulInput, { remove }: Steps): void {
  const { set, updateRevision } = input;
  const { type, rollingUpdate } = set.spec.updateStrategy;
  if (type === 'OnDelete') {
    return;
  }
  const { first, end } = rangeOf(set);
  const byOrdinal = podsByOrdinal(input);
  let budget = Math.max(scaledValue(rollingUpdate?.maxUnavailable ?? 1, end - first, 'up') ?? 1, 1);
  for (let ordinal = end - 1; ordinal >= first + (rollingUpdate?.partition ?? 0) && budget > 0; ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined || !isLive(pod)) {
      budget -= 1;
    } else if (revisionOf(pod) !== updateRevision) {
      remove.push(pod);
      budget -= 1;
    } else if (!isAvailable(input, pod)) {
      budget -= 1;
    }
  }
}

function statusOf(input: StatefulInput): StatefulSetStatus {
  const { set, pods, currentRevision, updateRevision } = input;
  const existing = pods.filter((pod) => ordinalOf(set, pod) !== undefined && !isPodTerminal(pod));
  const live = existing.filter(isLive);
  const ready = existing.filter(isPodReady).length;
  const updated = live.filter((pod) => revisionOf(pod) === updateRevision).length;
  const current = live.filter((pod) => revisionOf(pod) === currentRevision).length;
  const isDone =
    set.spec.updateStrategy.type !== 'OnDelete' &&
    updated === existing.length &&
    ready === existing.length &&
    updated === (set.spec.replicas ?? 1);
  const { collisionCount, conditions } = set.status;
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: existing.length,
    readyReplicas: ready,
    availableReplicas: existing.filter((pod) => isAvailable(input, pod)).length,
    currentReplicas: isDone ? updated : current,
    updatedReplicas: updated,
    // A rollout that is done makes its revision the current one.
    currentRevision: isDone ? updateRevision : currentRevision,
    updateRevision,
    collisionCount: collisionCount ?? 0,
    ...(conditions === undefined ? {} : { conditions }),
  };
}

/** Below the partition, pods are made from the old revision. */
function isUpdatedOrdinal({ set, currentRevision, updateRevision }: StatefulInput, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec.updateStrategy;
  const { first } = rangeOf(set);
  if (currentRevision === updateRevision || type === 'OnDelete') {
    return true;
  }
  return rollingUpdate?.partition === undefined
    ? ordinal >= first + (set.status.currentReplicas ?? 0)
    : ordinal >= first + rollingUpdate.partition;
}

function podsByOrdinal({ set, pods }: StatefulInput): ReadonlyMap<number, Pod> {
  return new Map(
    pods.flatMap((pod) => {
      const ordinal = ordinalOf(set, pod);
      return ordinal === undefined ? [] : [[ordinal, pod] as const];
    }),
  );
}

function ordinalsOf({ set }: StatefulInput): readonly number[] {
  const { first, end } = rangeOf(set);
  return Array.from({ length: end - first }, (_, offset) => first + offset);
}

function rangeOf({ spec }: StatefulSet): { readonly first: number; readonly end: number } {
  const first = spec.ordinals?.start ?? 0;
  return { first, end: first + (spec.replicas ?? 1) };
}

function isOneByOne({ set }: StatefulInput): boolean {
  return set.spec.podManagementPolicy !== 'Parallel';
}

function isAvailable({ set, nowMs }: StatefulInput, pod: Pod): boolean {
  return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
}

function isLive({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined;
}

function revisionOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.[REVISION_LABEL];
}
