import type {
  DaemonSet,
  Deployment,
  DeploymentSpec,
  ReplicaSet,
  StatefulSet,
  StatefulSetUpdateStrategy,
} from '../types/apps.v1.ts';
import type {
  HPAScalingRules,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
} from '../types/autoscaling.v2.ts';
import type { CronJob, Job, JobSpec, PodFailurePolicyRule } from '../types/batch.v1.ts';
import { defaultClaim } from './core-defaults.ts';
import { change, fill, mapItems, whenSet } from './fill.ts';
import { defaultPodTemplate } from './pod-defaults.ts';

const HISTORY = 10;
const PROGRESS_SECONDS = 600;
const INT32_MAX = 2 ** 31 - 1;
const CPU_PERCENT = 80;

export function defaultDeployment(deployment: Deployment): Deployment {
  const { spec } = deployment;
  return change(deployment, {
    spec: change(
      fill(spec, { replicas: 1, revisionHistoryLimit: HISTORY, progressDeadlineSeconds: PROGRESS_SECONDS }),
      { template: defaultPodTemplate(spec.template), strategy: defaultStrategy(spec.strategy ?? {}) },
    ),
  });
}

function defaultStrategy(
  given: NonNullable<DeploymentSpec['strategy']>,
): NonNullable<DeploymentSpec['strategy']> {
  const strategy = fill(given, { type: 'RollingUpdate' });
  return strategy.type === 'RollingUpdate'
    ? change(strategy, {
        rollingUpdate: fill(strategy.rollingUpdate ?? {}, { maxSurge: '25%', maxUnavailable: '25%' }),
      })
    : strategy;
}

export function defaultReplicaSet(set: ReplicaSet): ReplicaSet {
  const { spec } = set;
  return change(set, {
    spec: change(fill(spec, { replicas: 1 }), { template: whenSet(spec.template, defaultPodTemplate) }),
  });
}

export function defaultDaemonSet(set: DaemonSet): DaemonSet {
  const { spec } = set;
  const strategy = fill(spec.updateStrategy ?? {}, { type: 'RollingUpdate' });
  return change(set, {
    spec: change(fill(spec, { revisionHistoryLimit: HISTORY }), {
      template: defaultPodTemplate(spec.template),
      updateStrategy:
        strategy.type === 'RollingUpdate'
          ? change(strategy, {
              rollingUpdate: fill(strategy.rollingUpdate ?? {}, { maxSurge: 0, maxUnavailable: 1 }),
            })
          : strategy,
    }),
  });
}

export function defaultStatefulSet(set: StatefulSet): StatefulSet {
  const { spec } = set;
  const given = spec.updateStrategy ?? {};
  // Who names the strategy and says nothing else about it has said all there is.
  const strategy =
    given.type === undefined
      ? fill<StatefulSetUpdateStrategy>(given, { type: 'RollingUpdate', rollingUpdate: {} })
      : given;
  return change(set, {
    spec: change(
      fill(spec, { podManagementPolicy: 'OrderedReady', replicas: 1, revisionHistoryLimit: HISTORY }),
      {
        template: defaultPodTemplate(spec.template),
        updateStrategy:
          strategy.type === 'RollingUpdate'
            ? change(strategy, {
                rollingUpdate: whenSet(strategy.rollingUpdate, (rolling) => fill(rolling, { partition: 0 })),
              })
            : strategy,
        persistentVolumeClaimRetentionPolicy: fill(spec.persistentVolumeClaimRetentionPolicy ?? {}, {
          whenDeleted: 'Retain',
          whenScaled: 'Retain',
        }),
        volumeClaimTemplates: mapItems(spec.volumeClaimTemplates, defaultClaim),
      },
    ),
  });
}

export function defaultJob(job: Job): Job {
  const { metadata, spec } = job;
  const labels = spec.template.metadata.labels;
  const isLabelled = Object.keys(metadata.labels ?? {}).length > 0;
  return change(job, {
    metadata: labels === undefined || isLabelled ? metadata : change(metadata, { labels }),
    spec: change(fill(spec, jobDefaults(spec)), {
      template: defaultPodTemplate(spec.template),
      podFailurePolicy: whenSet(spec.podFailurePolicy, (policy) =>
        change(policy, { rules: mapItems(policy.rules, defaultFailureRule) ?? [] }),
      ),
    }),
  });
}

function jobDefaults(spec: JobSpec): Partial<JobSpec> {
  const isSingle = spec.completions === undefined && spec.parallelism === undefined;
  return {
    ...(isSingle ? { completions: 1 } : {}),
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : INT32_MAX,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
  };
}

function defaultFailureRule(rule: PodFailurePolicyRule): PodFailurePolicyRule {
  return change(rule, {
    onPodConditions: mapItems(rule.onPodConditions, (pattern) => fill(pattern, { status: 'True' })),
  });
}

export function defaultCronJob(cronJob: CronJob): CronJob {
  const { spec } = cronJob;
  const { jobTemplate } = spec;
  const filled = fill(spec, {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  });
  const jobSpec = change(jobTemplate.spec, { template: defaultPodTemplate(jobTemplate.spec.template) });
  return change(cronJob, { spec: change(filled, { jobTemplate: change(jobTemplate, { spec: jobSpec }) }) });
}

export function defaultAutoscaler(autoscaler: HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { spec } = autoscaler;
  const hasMetrics = (spec.metrics ?? []).length > 0;
  return change(autoscaler, {
    spec: change(fill(spec, { minReplicas: 1 }), {
      metrics: hasMetrics
        ? spec.metrics
        : [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_PERCENT } },
            },
          ],
      behavior: whenSet(spec.behavior, defaultBehavior),
    }),
  });
}

function defaultBehavior(behavior: HorizontalPodAutoscalerBehavior): HorizontalPodAutoscalerBehavior {
  return change(behavior, {
    scaleUp: fill<HPAScalingRules>(behavior.scaleUp ?? {}, {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    }),
    scaleDown: fill<HPAScalingRules>(behavior.scaleDown ?? {}, {
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    }),
  });
}
