import type { HorizontalPodAutoscaler, MetricSpec } from '../types/autoscaling.v2.ts';
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '../types/autoscaling.v1.ts';
import type { Lease } from '../types/coordination.v1.ts';
import type { PodDisruptionBudget } from '../types/policy.v1.ts';
import type { PriorityClass } from '../types/scheduling.v1.ts';
import { pathSegmentProblems } from '../names.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';
import { checkCount } from './workload-rules.ts';

const USER_PRIORITY_MAX = 1_000_000_000;
const SYSTEM_PREFIX = 'system-';
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const DISRUPTION_BUDGET_RULES: KindRules<PodDisruptionBudget> = {
  check(problems, { spec }) {
    const { minAvailable, maxUnavailable } = spec;
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      problems.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
    }
    for (const [field, value] of Object.entries({ minAvailable, maxUnavailable })) {
      if (value !== undefined) {
        checkCount(problems, `spec.${field}`, value);
        if (typeof value === 'string' && Number.parseInt(value, 10) > 100) {
          problems.invalid(`spec.${field}`, value, 'must not be greater than 100%');
        }
      }
    }
    checkLabelSelector(problems, 'spec.selector', spec.selector);
    if (spec.unhealthyPodEvictionPolicy !== undefined) {
      problems.oneOf('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, [
        'AlwaysAllow',
        'IfHealthyBudget',
      ]);
    }
  },
  onStatusUpdate(problems, { status }) {
    for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) {
      problems.nonNegative(`status.${field}`, status[field]);
    }
  },
};

export const AUTOSCALER_RULES: KindRules<HorizontalPodAutoscaler> = {
  check(problems, { spec }) {
    checkScale(problems, spec);
    for (const [index, metric] of (spec.metrics ?? []).entries()) {
      checkMetric(problems, `spec.metrics[${index}]`, metric);
    }
  },
};

export const AUTOSCALER_V1_RULES: KindRules<AutoscalerV1> = {
  check(problems, { spec }) {
    checkScale(problems, spec);
    if (spec.targetCPUUtilizationPercentage !== undefined && spec.targetCPUUtilizationPercentage < 1) {
      problems.invalid(
        'spec.targetCPUUtilizationPercentage',
        spec.targetCPUUtilizationPercentage,
        'must be greater than 0',
      );
    }
  },
};

type Scale = Pick<HorizontalPodAutoscaler['spec'], 'minReplicas' | 'maxReplicas' | 'scaleTargetRef'>;

function checkScale(problems: Problems, { minReplicas, maxReplicas, scaleTargetRef }: Scale): void {
  if (minReplicas !== undefined && minReplicas < 1) {
    problems.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1');
  }
  if (maxReplicas < 1) {
    problems.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0');
  }
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    problems.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  for (const field of ['kind', 'name'] as const) {
    problems.requiredName(`spec.scaleTargetRef.${field}`, scaleTargetRef[field], pathSegmentProblems);
  }
}

const METRIC_SOURCES: Readonly<Record<string, keyof MetricSpec>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

function checkMetric(problems: Problems, path: string, metric: MetricSpec): void {
  if (metric.type === '') {
    problems.required(`${path}.type`, 'must specify a metric source type');
    return;
  }
  const source = METRIC_SOURCES[metric.type];
  if (source === undefined) {
    problems.oneOf(`${path}.type`, metric.type, Object.keys(METRIC_SOURCES));
  } else if (metric[source] === undefined) {
    problems.required(`${path}.${source}`, `must populate information for the given metric source`);
  }
}

export const PRIORITY_CLASS_RULES: KindRules<PriorityClass> = {
  check(problems, { metadata: { name }, value, preemptionPolicy }) {
    if (name.startsWith(SYSTEM_PREFIX)) {
      if (SYSTEM_PRIORITIES[name] !== value) {
        problems.forbidden(
          'metadata.name',
          `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${name} is not a known system priority class`,
        );
      }
    } else if (value > USER_PRIORITY_MAX) {
      problems.forbidden('value', `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`);
    }
    if (preemptionPolicy !== undefined) {
      problems.requiredOneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never']);
    }
  },
  onUpdate(problems, next, previous) {
    if (next.value !== previous.value) {
      problems.forbidden('value', 'may not be changed in an update.');
    }
    problems.immutable('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy);
  },
};

export const LEASE_RULES: KindRules<Lease> = {
  check(problems, { spec }) {
    if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
      problems.invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0');
    }
    problems.nonNegative('spec.leaseTransitions', spec.leaseTransitions);
    if ((spec.preferredHolder ?? '') !== '' && (spec.strategy ?? '') === '') {
      problems.forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined');
    }
  },
};
