import type { LabelSelector } from '#api/label-selector.ts';
import { formatTime } from '#api/time.ts';
import type { ReplicaSetCondition, ReplicaSetStatus } from '#api/types/apps.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { isPodAvailable, isPodReady } from '../pods/pod-state.ts';

/** What the status of a set of equal pods is made from. */
export interface StatusInput {
  readonly previous: ReplicaSetStatus;
  readonly generation: number;
  readonly replicasWanted: number;
  readonly minReadySeconds: number;
  /** Chooses pods that have all labels of the template. */
  readonly templateLabels: LabelSelector;
  readonly activePods: readonly Pod[];
  /** Undefined for kinds whose status does not count pods on their way out. */
  readonly terminatingCount: number | undefined;
  /** Why pods could not be created or deleted in this pass. */
  readonly failure: string | undefined;
  readonly nowMs: number;
}

/** The status that the pods call for. Conditions keep their transition time while they do not change. */
export function replicaStatus(input: StatusInput): ReplicaSetStatus {
  const { previous, activePods, minReadySeconds, templateLabels, terminatingCount, nowMs } = input;
  let labeled = 0;
  let ready = 0;
  let available = 0;
  for (const pod of activePods) {
    labeled += templateLabels.matches(pod.metadata.labels) ? 1 : 0;
    if (isPodReady(pod)) {
      ready += 1;
      available += minReadySeconds === 0 || isPodAvailable(pod, minReadySeconds, nowMs) ? 1 : 0;
    }
  }
  const conditions = replicaConditions(input);
  const { conditions: _, terminatingReplicas: __, ...kept } = previous;
  return {
    ...kept,
    replicas: activePods.length,
    fullyLabeledReplicas: labeled,
    readyReplicas: ready,
    availableReplicas: available,
    ...(terminatingCount === undefined ? {} : { terminatingReplicas: terminatingCount }),
    observedGeneration: input.generation,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

function replicaConditions({
  previous,
  failure,
  replicasWanted,
  activePods,
  nowMs,
}: StatusInput): readonly ReplicaSetCondition[] {
  const conditions = previous.conditions ?? [];
  const hasFailed = conditions.some(({ type }) => type === 'ReplicaFailure');
  if (failure === undefined) {
    return hasFailed ? conditions.filter(({ type }) => type !== 'ReplicaFailure') : conditions;
  }
  if (hasFailed) {
    return conditions;
  }
  return [
    ...conditions,
    {
      type: 'ReplicaFailure',
      status: 'True',
      reason: activePods.length < replicasWanted ? 'FailedCreate' : 'FailedDelete',
      message: failure,
      lastTransitionTime: formatTime(nowMs),
    },
  ];
}

/** True when writing `wanted` over `current` would change nothing. Counts left out are zeros. */
export function isSameReplicaStatus(current: ReplicaSetStatus, wanted: ReplicaSetStatus): boolean {
  const numbers = [
    'replicas',
    'fullyLabeledReplicas',
    'readyReplicas',
    'availableReplicas',
    'terminatingReplicas',
    'observedGeneration',
  ] as const;
  return (
    numbers.every((name) => (current[name] ?? 0) === (wanted[name] ?? 0)) &&
    JSON.stringify(current.conditions ?? []) === JSON.stringify(wanted.conditions ?? [])
  );
}
