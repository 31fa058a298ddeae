import type { ApiObject } from '#api/object.ts';
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '#api/types/autoscaling.v1.ts';
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '#api/types/autoscaling.v2.ts';
import type { DraftObject } from '../strategy.ts';

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
  const others = parseList<MetricSpec>(annotations[METRICS]);
  const metrics =
    percent === undefined && others.length > 0
      ? others
      : [cpuTarget(percent ?? CPU_PERCENT_DEFAULT), ...others];
  const { currentCPUUtilizationPercentage: current, ...restStatus } = status;
  const currentMetrics = [
    ...(current === undefined ? [] : [cpuStatus(current)]),
    ...parseList<MetricStatus>(annotations[CURRENT_METRICS]),
  ];
  const behavior = parse(annotations[BEHAVIOR]);
  const conditions = parseList(annotations[CONDITIONS]);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(
      metadata,
      Object.fromEntries(Object.entries(annotations).filter(([key]) => !OWN_ANNOTATIONS.has(key))),
    ),
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
  const cpu = metrics.find(isCpuUtilization);
  const others = metrics.filter((metric) => metric !== cpu);
  const { currentMetrics: reported, conditions = [], ...restStatus } = status;
  const currentMetrics = reported ?? [];
  const currentCpu = currentMetrics.find(
    (metric) => metric.resource?.name === 'cpu' && metric.resource.current.averageUtilization !== undefined,
  );
  const otherCurrent = currentMetrics.filter((metric) => metric !== currentCpu);
  const annotations = {
    ...metadata.annotations,
    ...(others.length === 0 ? {} : { [METRICS]: JSON.stringify(others) }),
    ...(otherCurrent.length === 0 ? {} : { [CURRENT_METRICS]: JSON.stringify(otherCurrent) }),
    ...(conditions.length === 0 ? {} : { [CONDITIONS]: JSON.stringify(conditions) }),
    ...(behavior === undefined ? {} : { [BEHAVIOR]: JSON.stringify(behavior) }),
  };
  const target = cpu?.resource?.target.averageUtilization;
  const current = currentCpu?.resource?.current.averageUtilization;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(metadata, annotations),
    spec: { ...rest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: { ...restStatus, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  } as unknown as ApiObject;
}

function isCpuUtilization({ resource }: MetricSpec): boolean {
  return resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

function cpuTarget(averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function cpuStatus(averageUtilization: number): unknown {
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

function parseList<T>(text: string | undefined): readonly T[] {
  const value = parse(text);
  return Array.isArray(value) ? (value as readonly T[]) : [];
}
