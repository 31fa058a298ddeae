import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '#api/types/apps.v1.ts';
import type { Scale } from '#api/types/autoscaling.v1.ts';
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '#api/types/autoscaling.v2.ts';
import type { CronJob, Job } from '#api/types/batch.v1.ts';
import type { PodTemplate, ReplicationController } from '#api/types/core.v1.ts';
import type { LabelSelector } from '#api/types/meta.v1.ts';
import type { PodDisruptionBudget } from '#api/types/policy.v1.ts';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { AGE, ageText, containersOf, durationText, mapText, NONE, printer, UNSET } from './printer.ts';

function selectorText(selector: LabelSelector | undefined): string {
  const text = selector === undefined ? '' : labelSelectorFromObject(selector).toString();
  return text === '' ? NONE : text;
}

interface Templated {
  readonly spec: {
    readonly template?: {
      readonly spec: { readonly containers: readonly { name: string; image?: string }[] };
    };
    readonly selector?: LabelSelector;
  };
}

const CONTAINERS = {
  name: 'Containers',
  isWide: true,
  cell: ({ spec }: Templated) => containersOf(spec.template?.spec.containers ?? []).names,
};
const IMAGES = {
  name: 'Images',
  isWide: true,
  cell: ({ spec }: Templated) => containersOf(spec.template?.spec.containers ?? []).images,
};
const SELECTOR = {
  name: 'Selector',
  isWide: true,
  cell: ({ spec }: Templated) => selectorText(spec.selector),
};

export const DEPLOYMENT_PRINTER = printer<Deployment>([
  { name: 'Ready', cell: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
  { name: 'Up-to-date', type: 'integer', cell: ({ status }) => status.updatedReplicas ?? 0 },
  { name: 'Available', type: 'integer', cell: ({ status }) => status.availableReplicas ?? 0 },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]);

export const REPLICA_SET_PRINTER = printer<ReplicaSet>([
  { name: 'Desired', type: 'integer', cell: ({ spec }) => spec.replicas ?? 0 },
  { name: 'Current', type: 'integer', cell: ({ status }) => status.replicas },
  { name: 'Ready', type: 'integer', cell: ({ status }) => status.readyReplicas ?? 0 },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]);

export const REPLICATION_CONTROLLER_PRINTER = printer<ReplicationController>([
  { name: 'Desired', type: 'integer', cell: ({ spec }) => spec.replicas ?? 0 },
  { name: 'Current', type: 'integer', cell: ({ status }) => status.replicas },
  { name: 'Ready', type: 'integer', cell: ({ status }) => status.readyReplicas ?? 0 },
  AGE,
  {
    name: 'Containers',
    isWide: true,
    cell: ({ spec }) => containersOf(spec.template?.spec.containers ?? []).names,
  },
  {
    name: 'Images',
    isWide: true,
    cell: ({ spec }) => containersOf(spec.template?.spec.containers ?? []).images,
  },
  { name: 'Selector', isWide: true, cell: ({ spec }) => mapText(spec.selector) },
]);

export const STATEFUL_SET_PRINTER = printer<StatefulSet>([
  { name: 'Ready', cell: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
  AGE,
  CONTAINERS,
  IMAGES,
]);

export const DAEMON_SET_PRINTER = printer<DaemonSet>([
  { name: 'Desired', type: 'integer', cell: ({ status }) => status.desiredNumberScheduled },
  { name: 'Current', type: 'integer', cell: ({ status }) => status.currentNumberScheduled },
  { name: 'Ready', type: 'integer', cell: ({ status }) => status.numberReady },
  { name: 'Up-to-date', type: 'integer', cell: ({ status }) => status.updatedNumberScheduled ?? 0 },
  { name: 'Available', type: 'integer', cell: ({ status }) => status.numberAvailable ?? 0 },
  { name: 'Node Selector', cell: ({ spec }) => mapText(spec.template.spec.nodeSelector) },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]);

function jobStatus({ metadata, status }: Job): string {
  const has = (wanted: string): boolean =>
    (status.conditions ?? []).some(({ type, status: value }) => type === wanted && value === 'True');
  if (has('Complete')) {
    return 'Complete';
  }
  if (has('Failed')) {
    return 'Failed';
  }
  if (metadata.deletionTimestamp !== undefined) {
    return 'Terminating';
  }
  if (has('Suspended')) {
    return 'Suspended';
  }
  return has('FailureTarget')
    ? 'FailureTarget'
    : has('SuccessCriteriaMet')
      ? 'SuccessCriteriaMet'
      : 'Running';
}

function completions({ spec, status }: Job): string {
  const succeeded = status.succeeded ?? 0;
  if (spec.completions !== undefined) {
    return `${succeeded}/${spec.completions}`;
  }
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Job, nowMs: number): string {
  if (status.startTime === undefined) {
    return '';
  }
  const endMs = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime);
  return durationText(endMs - Date.parse(status.startTime));
}

export const JOB_PRINTER = printer<Job>([
  { name: 'Status', cell: jobStatus },
  { name: 'Completions', cell: completions },
  { name: 'Duration', cell: jobDuration },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
]);

export const CRON_JOB_PRINTER = printer<CronJob>([
  { name: 'Schedule', cell: ({ spec }) => spec.schedule },
  { name: 'Timezone', cell: ({ spec }) => spec.timeZone ?? NONE },
  {
    name: 'Suspend',
    type: 'boolean',
    cell: ({ spec }) => (spec.suspend === undefined ? UNSET : spec.suspend ? 'True' : 'False'),
  },
  { name: 'Active', type: 'integer', cell: ({ status }) => (status.active ?? []).length },
  {
    name: 'Last Schedule',
    cell: ({ status }, nowMs) =>
      status.lastScheduleTime === undefined ? NONE : ageText(status.lastScheduleTime, nowMs),
  },
  AGE,
  {
    name: 'Containers',
    isWide: true,
    cell: ({ spec }) => containersOf(spec.jobTemplate.spec.template.spec.containers).names,
  },
  {
    name: 'Images',
    isWide: true,
    cell: ({ spec }) => containersOf(spec.jobTemplate.spec.template.spec.containers).images,
  },
  { name: 'Selector', isWide: true, cell: ({ spec }) => selectorText(spec.jobTemplate.spec.selector) },
]);

export const CONTROLLER_REVISION_PRINTER = printer<ControllerRevision>([
  {
    name: 'Controller',
    cell: ({ metadata }) => {
      const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
      return owner === undefined
        ? NONE
        : `${owner.kind.toLowerCase()}${owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''}/${owner.name}`;
    },
  },
  { name: 'Revision', type: 'integer', cell: ({ revision }) => revision },
  AGE,
]);

export const POD_TEMPLATE_PRINTER = printer<PodTemplate>([
  { name: 'Containers', cell: ({ template }) => containersOf(template.spec.containers).names },
  { name: 'Images', cell: ({ template }) => containersOf(template.spec.containers).images },
  { name: 'Pod Labels', cell: ({ template }) => mapText(template.metadata.labels) },
  AGE,
]);

export const DISRUPTION_BUDGET_PRINTER = printer<PodDisruptionBudget>([
  { name: 'Min Available', cell: ({ spec }) => String(spec.minAvailable ?? 'N/A') },
  { name: 'Max Unavailable', cell: ({ spec }) => String(spec.maxUnavailable ?? 'N/A') },
  { name: 'Allowed Disruptions', type: 'integer', cell: ({ status }) => status.disruptionsAllowed },
  AGE,
]);

/** Metrics shown before the rest is only counted. */
const METRICS_SHOWN = 2;

function targets({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) {
    return NONE;
  }
  const shown = metrics
    .slice(0, METRICS_SHOWN)
    .map((metric, index) => metricText(metric, status.currentMetrics?.[index]));
  const rest = metrics.length - METRICS_SHOWN;
  return rest > 0 ? `${shown.join(', ')} + ${rest} more...` : shown.join(', ');
}

function metricText(metric: MetricSpec, current: MetricStatus | undefined): string {
  const source =
    metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external;
  const now =
    current?.resource ?? current?.containerResource ?? current?.pods ?? current?.object ?? current?.external;
  const label = metric.resource?.name ?? metric.containerResource?.name;
  const { averageUtilization, averageValue, value } = source?.target ?? {};
  if (averageUtilization !== undefined) {
    const used = now?.current.averageUtilization;
    return `${label}: ${used === undefined ? '<unknown>' : `${used}%`}/${averageUtilization}%`;
  }
  const text =
    averageValue === undefined
      ? `${now?.current.value ?? '<unknown>'}/${value ?? '<auto>'}`
      : `${now?.current.averageValue ?? '<unknown>'}/${averageValue}${label === undefined && metric.pods === undefined ? ' (avg)' : ''}`;
  return label === undefined ? text : `${label}: ${text}`;
}

export const AUTOSCALER_PRINTER = printer<HorizontalPodAutoscaler>([
  { name: 'Reference', cell: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` },
  { name: 'Targets', cell: targets },
  { name: 'MinPods', cell: ({ spec }) => String(spec.minReplicas ?? UNSET) },
  { name: 'MaxPods', type: 'integer', cell: ({ spec }) => spec.maxReplicas },
  { name: 'Replicas', type: 'integer', cell: ({ status }) => status.currentReplicas ?? 0 },
  AGE,
]);

export const SCALE_PRINTER = printer<Scale>([
  { name: 'Desired', type: 'integer', cell: ({ spec }) => spec.replicas ?? 0 },
  { name: 'Available', type: 'integer', cell: ({ status }) => status.replicas },
  AGE,
]);
