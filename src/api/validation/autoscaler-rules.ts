import { dnsLabelProblems, pathSegmentProblems } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import type {
  HPAScalingPolicy,
  HPAScalingRules,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricTarget,
} from '../types/autoscaling.v2.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';
import { containerResourceNameProblems } from './resource-names.ts';
import { checkCounts } from './workload-rules.ts';

const PERIOD_SECONDS_MAX = 1800;
const WINDOW_SECONDS_MAX = 3600;

export const AUTOSCALER_RULES: KindRules<HorizontalPodAutoscaler> = {
  onCreate(problems, { spec }) {
    checkSpec(problems, spec, 1);
  },
  onUpdate(problems, { spec }, previous) {
    checkSpec(problems, spec, previous.spec.minReplicas === 0 ? 0 : 1);
  },
  onStatusUpdate(problems, { status }) {
    checkCounts(problems, status, ['currentReplicas', 'desiredReplicas']);
  },
};

type Scale = Pick<HorizontalPodAutoscalerSpec, 'minReplicas' | 'maxReplicas' | 'scaleTargetRef'>;

function checkScale(
  problems: Problems,
  { minReplicas, maxReplicas, scaleTargetRef }: Scale,
  minReplicasMin: number,
): void {
  if (minReplicas !== undefined && minReplicas < minReplicasMin) {
    problems.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${minReplicasMin}`);
  }
  if (maxReplicas < 1) {
    problems.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0');
  }
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    problems.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  checkReference(problems, 'spec.scaleTargetRef', scaleTargetRef);
}

function checkReference(
  problems: Problems,
  path: string,
  { kind, name }: { readonly kind: string; readonly name: string },
): void {
  problems.requiredName(`${path}.kind`, kind, pathSegmentProblems);
  problems.requiredName(`${path}.name`, name, pathSegmentProblems);
}

function checkSpec(problems: Problems, spec: HorizontalPodAutoscalerSpec, minReplicasMin: number): void {
  checkScale(problems, spec, minReplicasMin);
  const metrics = spec.metrics ?? [];
  for (const [index, metric] of metrics.entries()) {
    checkMetric(problems, `spec.metrics[${index}]`, metric);
  }
  if (spec.minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    problems.forbidden(
      'spec.metrics',
      'must specify at least one Object or External metric to support scaling to zero replicas',
    );
  }
  checkScaling(problems, 'spec.behavior.scaleUp', spec.behavior?.scaleUp);
  checkScaling(problems, 'spec.behavior.scaleDown', spec.behavior?.scaleDown);
}

function checkScaling(problems: Problems, path: string, rules: HPAScalingRules | undefined): void {
  if (rules === undefined) {
    return;
  }
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  if (window !== undefined && window < 0) {
    problems.invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero');
  }
  if (window !== undefined && window > WINDOW_SECONDS_MAX) {
    problems.invalid(
      `${path}.stabilizationWindowSeconds`,
      window,
      `must be less than or equal to ${WINDOW_SECONDS_MAX}`,
    );
  }
  if (selectPolicy !== undefined) {
    problems.oneOf(`${path}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min']);
  }
  if (policies.length === 0) {
    problems.required(`${path}.policies`, 'must specify at least one Policy');
  }
  for (const [index, policy] of policies.entries()) {
    checkPolicy(problems, `${path}.policies[${index}]`, policy);
  }
  if (tolerance !== undefined && parseQuantity(tolerance).nanos < 0n) {
    problems.invalid(`${path}.tolerance`, tolerance, 'must be greater than or equal to 0');
  }
}

function checkPolicy(
  problems: Problems,
  path: string,
  { type, value, periodSeconds }: HPAScalingPolicy,
): void {
  problems.oneOf(`${path}.type`, type, ['Percent', 'Pods']);
  if (value <= 0) {
    problems.invalid(`${path}.value`, value, 'must be greater than zero');
  }
  if (periodSeconds <= 0) {
    problems.invalid(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero');
  }
  if (periodSeconds > PERIOD_SECONDS_MAX) {
    problems.invalid(
      `${path}.periodSeconds`,
      periodSeconds,
      `must be less than or equal to ${PERIOD_SECONDS_MAX}`,
    );
  }
}

type Source = Exclude<keyof MetricSpec, 'type'>;

const SOURCES: Readonly<Record<string, Source>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};
/** The order in which upstream looks at them; only the first is looked at closely. */
const ORDER: readonly Source[] = ['object', 'external', 'pods', 'resource', 'containerResource'];

function checkMetric(problems: Problems, path: string, metric: MetricSpec): void {
  const { type } = metric;
  problems.requiredText(`${path}.type`, type, 'must specify a metric source type');
  const supported = Object.keys(SOURCES);
  problems.oneOf(`${path}.type`, type, supported);
  const present = ORDER.filter((source) => metric[source] !== undefined);
  checkSource(problems, path, metric, present[0]);
  const expected = SOURCES[type];
  if (expected === undefined) {
    problems.oneOf(`${path}.type`, type, supported);
  } else if (metric[expected] === undefined) {
    problems.required(`${path}.${expected}`, 'must populate information for the given metric source');
  }
  if (present.length !== 1) {
    for (const other of present.filter((source) => source !== expected)) {
      problems.forbidden(`${path}.${other}`, 'must populate the given metric source only');
    }
  }
}

function checkSource(problems: Problems, path: string, metric: MetricSpec, first: Source | undefined): void {
  const at = `${path}.${first}`;
  const { object, external, pods, resource, containerResource } = metric;
  if (first === 'object' && object !== undefined) {
    checkReference(problems, `${at}.describedObject`, object.describedObject);
    checkIdentified(problems, at, object);
    if (object.target.value === undefined && object.target.averageValue === undefined) {
      problems.required(`${at}.target.averageValue`, 'must set either a target value or averageValue');
    }
  } else if (first === 'external' && external !== undefined) {
    checkIdentified(problems, at, external);
    const { value, averageValue } = external.target;
    if (value === undefined && averageValue === undefined) {
      problems.required(
        `${at}.target.averageValue`,
        'must set either a target value for metric or a per-pod target',
      );
    }
    if (value !== undefined && averageValue !== undefined) {
      problems.forbidden(
        `${at}.target.value`,
        'may not set both a target value for metric and a per-pod target',
      );
    }
  } else if (first === 'pods' && pods !== undefined) {
    checkIdentified(problems, at, pods);
    if (pods.target.averageValue === undefined) {
      problems.required(`${at}.target.averageValue`, 'must specify a positive target averageValue');
    }
  } else if (first === 'resource' && resource !== undefined) {
    problems.requiredText(`${at}.name`, resource.name, 'must specify a resource name');
    checkResourceTarget(problems, at, resource.target);
  } else if (containerResource !== undefined) {
    const { name, container } = containerResource;
    if (name === '') {
      problems.required(`${at}.name`, 'must specify a resource name');
    } else {
      problems.names(`${at}.name`, name, containerResourceNameProblems(name));
    }
    if (container === '') {
      problems.required(`${at}.container`, 'must specify a container');
    } else {
      problems.names(`${at}.container`, container, dnsLabelProblems(container));
    }
    checkResourceTarget(problems, at, containerResource.target);
  }
}

function checkIdentified(
  problems: Problems,
  path: string,
  { metric, target }: { readonly metric: { readonly name: string }; readonly target: MetricTarget },
): void {
  if (metric.name === '') {
    problems.required(`${path}.metric.name`, 'must specify a metric name');
  } else {
    problems.names(`${path}.metric.name`, metric.name, pathSegmentProblems(metric.name));
  }
  checkTarget(problems, `${path}.target`, target);
}

function checkResourceTarget(problems: Problems, path: string, target: MetricTarget): void {
  checkTarget(problems, `${path}.target`, target);
  if (target.averageUtilization === undefined && target.averageValue === undefined) {
    problems.required(
      `${path}.target.averageUtilization`,
      'must set either a target raw value or a target utilization',
    );
  }
  if (target.averageUtilization !== undefined && target.averageValue !== undefined) {
    problems.forbidden(
      `${path}.target.averageValue`,
      'may not set both a target raw value and a target utilization',
    );
  }
}

function checkTarget(
  problems: Problems,
  path: string,
  { type, value, averageValue, averageUtilization }: MetricTarget,
): void {
  problems.requiredText(`${path}.type`, type, 'must specify a metric target type');
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    problems.invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue');
  }
  for (const [field, amount] of Object.entries({ value, averageValue })) {
    if (amount !== undefined && parseQuantity(amount).nanos <= 0n) {
      problems.invalid(`${path}.${field}`, amount, 'must be positive');
    }
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    problems.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0');
  }
}
