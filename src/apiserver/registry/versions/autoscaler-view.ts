import type { ApiObject } from '#api/object.ts';
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '#api/types/autoscaling.v1.ts';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  MetricSpec,
  MetricStatus,
} from '#api/types/autoscaling.v2.ts';
import type { DraftObject } from '../strategy.ts';
import { newBehavior, oldBehavior } from './autoscaler-behavior.ts';
import { newMetric, newStatus, oldMetric, oldStatus, type OldMetric } from './autoscaler-metrics.ts';

/** Where version 1 keeps what it has no fields for, so that nothing is lost on the way through it. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
const OWN_ANNOTATIONS: ReadonlySet<string> = new Set([METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR]);

/** Upstream's default target when an autoscaler names no metric at all. */
const CPU_PERCENT_DEFAULT = 80;

export function autoscalerToStorage(object: ApiObject): DraftObject {
  // The decoder has checked the object against version 1.
  const { metadata, spec, status } = object as unknown as AutoscalerV1;
  const { targetCPUUtilizationPercentage: percent, ...rest } = spec;
  const annotations = metadata.annotations ?? {};
  const others = parseList<OldMetric>(annotations[METRICS])?.map(newMetric) ?? [];
  const given = [...others, ...(percent === undefined ? [] : [cpuTarget(percent)])];
  const metrics = given.length === 0 ? [cpuTarget(CPU_PERCENT_DEFAULT)] : given;
  const { currentCPUUtilizationPercentage: current, ...restStatus } = status;
  // What the annotation says is more than the field does.
  const currentMetrics =
    parseList<OldMetric>(annotations[CURRENT_METRICS])?.map(newStatus) ??
    (current === undefined ? [] : [cpuStatus(current)]);
  const behavior = newBehavior(parse(annotations[BEHAVIOR]));
  const conditions = parseList(annotations[CONDITIONS]) ?? [];
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(metadata, withoutOwn(annotations)),
    spec: { ...rest, metrics, ...(behavior === undefined ? {} : { behavior }) },
    status: {
      ...restStatus,
      ...(currentMetrics.length === 0 ? {} : { currentMetrics }),
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  } as unknown as DraftObject;
}

export function autoscalerFromStorage(object: ApiObject): ApiObject {
  // Every stored autoscaler has version 2.
  const { metadata, spec, status } = object as unknown as HorizontalPodAutoscaler;
  const { metrics = [], behavior, ...rest } = spec;
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const { currentMetrics, conditions, ...restStatus } = status;
  const annotations = {
    ...withoutOwn(metadata.annotations ?? {}),
    ...(others.length === 0 ? {} : { [METRICS]: JSON.stringify(others.map(oldMetric)) }),
    ...((currentMetrics ?? []).length === 0
      ? {}
      : { [CURRENT_METRICS]: JSON.stringify((currentMetrics ?? []).map(oldStatus)) }),
    ...(behavior === undefined ? {} : { [BEHAVIOR]: JSON.stringify(oldBehavior(behavior)) }),
    ...((conditions ?? []).length === 0
      ? {}
      : { [CONDITIONS]: JSON.stringify((conditions ?? []).map(oldCondition)) }),
  };
  const target = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const current = (currentMetrics ?? []).findLast(
    ({ resource }) => resource?.name === 'cpu' && resource.current.averageUtilization !== undefined,
  )?.resource?.current.averageUtilization;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(metadata, annotations),
    spec: { ...rest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: { ...restStatus, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  } as unknown as ApiObject;
}

/** In this order, which is that of the annotation. */
function oldCondition(condition: HorizontalPodAutoscalerCondition): object {
  const { type, status, lastTransitionTime, reason, message } = condition;
  return {
    type,
    status,
    lastTransitionTime: lastTransitionTime ?? null,
    ...((reason ?? '') === '' ? {} : { reason }),
    ...((message ?? '') === '' ? {} : { message }),
  };
}

function withoutOwn(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !OWN_ANNOTATIONS.has(key)));
}

function isCpuUtilization({ type, resource }: MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

function cpuTarget(averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function cpuStatus(averageUtilization: number): MetricStatus {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } };
}

function withAnnotations(
  metadata: ApiObject['metadata'],
  annotations: Readonly<Record<string, string>>,
): object {
  const { annotations: _replaced, ...rest } = metadata;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

function parse(text: string | undefined): unknown {
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    // A hand-written annotation that is no JSON says nothing.
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

/** Undefined when there is no list of objects. */
function parseList<T>(text: string | undefined): readonly T[] | undefined {
  const value = parse(text);
  return Array.isArray(value) && value.every(isRecord) ? (value as unknown as readonly T[]) : undefined;
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
