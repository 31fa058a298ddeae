import type { HorizontalPodAutoscalerCondition } from '#api/types/autoscaling.v2.ts';

export type Conditions = readonly HorizontalPodAutoscalerCondition[];

export interface ConditionChange {
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** The conditions with one of them told anew; its time stays while its status does. */
export function withCondition(conditions: Conditions, change: ConditionChange, now: string): Conditions {
  const old = conditions.find(({ type }) => type === change.type);
  const lastTransitionTime = old?.status === change.status ? (old.lastTransitionTime ?? now) : now;
  const next = {
    type: change.type,
    status: change.status,
    lastTransitionTime,
    reason: change.reason,
    message: change.message,
  };
  return old === undefined ? [...conditions, next] : conditions.map((each) => (each === old ? next : each));
}

const LIMITED: Readonly<Record<string, string>> = {
  TooManyReplicas: 'the desired replica count is more than the maximum replica count',
  TooFewReplicas: 'the desired replica count is less than the minimum replica count',
  ScaleUpLimit: 'the desired replica count is increasing faster than the maximum scale rate',
  ScaleDownLimit: 'the desired replica count is decreasing faster than the maximum scale rate',
};

export function limitedCondition(reason: string | undefined): ConditionChange {
  return reason === undefined
    ? {
        type: 'ScalingLimited',
        status: 'False',
        reason: 'DesiredWithinRange',
        message: 'the desired count is within the acceptable range',
      }
    : { type: 'ScalingLimited', status: 'True', reason, message: LIMITED[reason] ?? '' };
}

const STABILIZED: Readonly<Record<string, string>> = {
  ScaleUpStabilized:
    'recent recommendations were lower than current one, applying the lowest recent recommendation',
  ScaleDownStabilized:
    'recent recommendations were higher than current one, applying the highest recent recommendation',
};

export function ableCondition(reason: string | undefined): ConditionChange {
  return {
    type: 'AbleToScale',
    status: 'True',
    reason: reason ?? 'ReadyForNewScale',
    message: reason === undefined ? 'recommended size matches current size' : (STABILIZED[reason] ?? ''),
  };
}
