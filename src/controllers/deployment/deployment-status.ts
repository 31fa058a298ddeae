import { parseTime } from '#api/time.ts';
import type { Deployment, DeploymentStatus, ReplicaSet, ReplicaSetStatus } from '#api/types/apps.v1.ts';
import {
  type ConditionChange,
  type Conditions,
  findCondition,
  replaceCondition,
  withCondition,
  withoutCondition,
} from './deployment-conditions.ts';
import { maxUnavailable, replicasOf, totalAvailable, totalReplicas } from './rollout-bounds.ts';

export const REASON_AVAILABLE = 'NewReplicaSetAvailable';
export const REASON_TIMED_OUT = 'ProgressDeadlineExceeded';
/** A deadline of this many seconds is none. */
const NO_DEADLINE = 2 ** 31 - 1;

export function hasProgressDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== NO_DEADLINE;
}

/** Counts and availability, as the sets report them. */
export function deploymentStatus(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  allSets: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus {
  const sum = (field: 'replicas' | 'readyReplicas'): number =>
    allSets.reduce((total, { status }) => total + (status[field] ?? 0), 0);
  const available = totalAvailable(allSets);
  const terminating = terminatingReplicas(allSets.map(({ status }) => status));
  const { collisionCount, conditions = [] } = deployment.status;
  const isAvailable = available >= replicasOf(deployment) - maxUnavailable(deployment);
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum('replicas'),
    updatedReplicas: newSet?.status.replicas ?? 0,
    readyReplicas: sum('readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(totalReplicas(allSets) - available, 0),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(conditions, availability(isAvailable), nowMs),
  };
}

/** {@link deploymentStatus}, and how the rollout comes along. */
export function rolloutStatus(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  allSets: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus {
  const status = deploymentStatus(deployment, newSet, allSets, nowMs);
  const progressing = progressConditions(deployment, newSet, status, nowMs);
  const failure = replicaFailure(newSet, allSets);
  const conditions =
    failure === undefined
      ? withoutCondition(progressing, 'ReplicaFailure')
      : withCondition(progressing, failure, nowMs);
  return { ...status, conditions };
}

/** True when `status` shows every replica updated and available, and none left of an older revision. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** When a rollout that shows no progress has to be looked at again, in milliseconds from now. */
export function deadlineInMs(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const condition = findCondition(status.conditions, 'Progressing');
  const isWaiting =
    hasProgressDeadline(deployment) &&
    condition !== undefined &&
    condition.reason !== REASON_TIMED_OUT &&
    !isComplete(deployment, status);
  if (!isWaiting) {
    return undefined;
  }
  // One second more, because update times are cut to whole seconds.
  return Math.max(deadlineMs(deployment, condition.lastUpdateTime) - nowMs, 0) + 1000;
}

/** True when writing `wanted` over `current` would change nothing. Counts left out are zeros. */
export function isSameDeploymentStatus(current: DeploymentStatus, wanted: DeploymentStatus): boolean {
  const comparable = ({ conditions = [], collisionCount, ...counts }: DeploymentStatus): string =>
    JSON.stringify([
      Object.entries(counts)
        .filter(([, count]) => count !== 0)
        .sort(([left], [right]) => (left < right ? -1 : 1)),
      collisionCount ?? 0,
      conditions.map((condition) =>
        Object.entries(condition).sort(([left], [right]) => (left < right ? -1 : 1)),
      ),
    ]);
  return comparable(current) === comparable(wanted);
}

function terminatingReplicas(statuses: readonly ReplicaSetStatus[]): number | undefined {
  const counts = statuses.flatMap(({ terminatingReplicas }) => terminatingReplicas ?? []);
  return counts.length === 0 ? undefined : counts.reduce((total, count) => total + count, 0);
}

function availability(isAvailable: boolean): ConditionChange {
  return isAvailable
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

function progressConditions(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  status: DeploymentStatus,
  nowMs: number,
): Conditions {
  const conditions = status.conditions ?? [];
  if (!hasProgressDeadline(deployment)) {
    return withoutCondition(conditions, 'Progressing');
  }
  const current = findCondition(deployment.status.conditions, 'Progressing');
  const subject =
    newSet === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${newSet.metadata.name}"`;
  if (status.replicas === status.updatedReplicas && current?.reason === REASON_AVAILABLE) {
    return conditions;
  }
  const type = 'Progressing';
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withCondition(conditions, { type, status: 'True', reason: REASON_AVAILABLE, message }, nowMs);
  }
  if (hasProgressed(deployment.status, status)) {
    const message = `${subject} is progressing.`;
    return replaceCondition(
      conditions,
      { type, status: 'True', reason: 'ReplicaSetUpdated', message },
      nowMs,
    );
  }
  if (isTimedOut(deployment, conditions, nowMs)) {
    const message = `${subject} has timed out progressing.`;
    return withCondition(conditions, { type, status: 'False', reason: REASON_TIMED_OUT, message }, nowMs);
  }
  return conditions;
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const oldReplicas = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number =>
    replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldReplicas(after) < oldReplicas(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(deployment: Deployment, conditions: Conditions, nowMs: number): boolean {
  const condition = findCondition(conditions, 'Progressing');
  if (condition === undefined || condition.reason === REASON_AVAILABLE) {
    return false;
  }
  return condition.reason === REASON_TIMED_OUT || deadlineMs(deployment, condition.lastUpdateTime) < nowMs;
}

function deadlineMs({ spec }: Deployment, lastUpdateTime: string | undefined): number {
  return (parseTime(lastUpdateTime ?? '') ?? 0) + (spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** The new set's own failure to make pods, or else an older set's. */
function replicaFailure(
  newSet: ReplicaSet | undefined,
  allSets: readonly ReplicaSet[],
): ConditionChange | undefined {
  for (const set of [...(newSet === undefined ? [] : [newSet]), ...allSets]) {
    const condition = set.status.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (condition !== undefined) {
      return {
        type: 'ReplicaFailure',
        status: condition.status === 'True' ? 'True' : 'False',
        reason: condition.reason ?? '',
        message: condition.message ?? '',
      };
    }
  }
  return undefined;
}
