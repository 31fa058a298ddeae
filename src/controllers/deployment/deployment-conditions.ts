import { formatTime } from '#api/time.ts';
import type { DeploymentCondition } from '#api/types/apps.v1.ts';

export type Conditions = readonly DeploymentCondition[];

export interface ConditionChange {
  readonly type: 'Available' | 'Progressing' | 'ReplicaFailure';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export function findCondition(
  conditions: Conditions | undefined,
  type: string,
): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function withoutCondition(conditions: Conditions, type: string): Conditions {
  return conditions.filter((condition) => condition.type !== type);
}

/** Sets a condition; one with the same status and reason is left as it is, times and message included. */
export function withCondition(conditions: Conditions, change: ConditionChange, nowMs: number): Conditions {
  const current = findCondition(conditions, change.type);
  if (current?.status === change.status && current.reason === change.reason) {
    return conditions;
  }
  return replaceCondition(conditions, change, nowMs);
}

/** As {@link withCondition}, and moves the update time even when only that changes. */
export function replaceCondition(conditions: Conditions, change: ConditionChange, nowMs: number): Conditions {
  const current = findCondition(conditions, change.type);
  const now = formatTime(nowMs);
  const since = current?.status === change.status ? current.lastTransitionTime : undefined;
  const { type, status, reason, message } = change;
  return [
    ...withoutCondition(conditions, type),
    { type, status, lastUpdateTime: now, lastTransitionTime: since ?? now, reason, message },
  ];
}
