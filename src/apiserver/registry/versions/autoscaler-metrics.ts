import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '#api/types/autoscaling.v2.ts';
import type { LabelSelector } from '#api/types/meta.v1.ts';

/** Metrics in the form they had in version 1's annotations: flat, each sort with field names of its own. */

const ZERO = '0';
/** Annotations are written by hand too, and may leave anything out. */
const NOTHING: CrossVersionObjectReference = { kind: '', name: '' };

interface OldResource {
  readonly name?: string;
  readonly container?: string;
  readonly targetAverageUtilization?: number;
  readonly targetAverageValue?: string;
  readonly currentAverageUtilization?: number;
  readonly currentAverageValue?: string;
}

interface OldCustom {
  readonly target?: CrossVersionObjectReference;
  readonly metricName?: string;
  readonly metricSelector?: LabelSelector;
  readonly selector?: LabelSelector;
  readonly targetValue?: string;
  readonly targetAverageValue?: string;
  readonly currentValue?: string;
  readonly currentAverageValue?: string;
  readonly averageValue?: string;
}

/** Of a metric and of what was measured of it, which differ in their fields only. */
export interface OldMetric {
  readonly type?: string;
  readonly object?: OldCustom;
  readonly pods?: OldCustom;
  readonly resource?: OldResource;
  readonly containerResource?: OldResource;
  readonly external?: OldCustom;
}

export function oldMetric({ type, object, pods, resource, containerResource, external }: MetricSpec): object {
  const ofResource = ({
    name,
    target,
  }: {
    readonly name: string;
    readonly target: MetricTarget;
  }): object => ({
    name,
    targetAverageUtilization: target.averageUtilization,
    targetAverageValue: target.averageValue,
  });
  return {
    type,
    object: object && {
      target: reference(object.describedObject),
      metricName: object.metric.name,
      targetValue: object.target.value ?? ZERO,
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? ZERO,
      selector: pods.metric.selector,
    },
    resource: resource && ofResource(resource),
    containerResource: containerResource && {
      ...ofResource(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  };
}

export function oldStatus({
  type,
  object,
  pods,
  resource,
  containerResource,
  external,
}: MetricStatus): object {
  const ofResource = ({
    name,
    current,
  }: {
    readonly name: string;
    readonly current: MetricValueStatus;
  }): object => ({
    name,
    currentAverageUtilization: current.averageUtilization,
    currentAverageValue: current.averageValue ?? ZERO,
  });
  return {
    type,
    object: object && {
      target: reference(object.describedObject),
      metricName: object.metric.name,
      currentValue: object.current.value ?? ZERO,
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? ZERO,
      selector: pods.metric.selector,
    },
    resource: resource && ofResource(resource),
    containerResource: containerResource && {
      ...ofResource(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? ZERO,
      currentAverageValue: external.current.averageValue,
    },
  };
}

/** In this order, which is that of the annotations. */
function reference({ kind, name, apiVersion }: CrossVersionObjectReference): object {
  return { kind, name, ...(apiVersion === undefined ? {} : { apiVersion }) };
}

export function newMetric(old: OldMetric): MetricSpec {
  const { type, object, pods, resource, containerResource, external } = old;
  const ofResource = ({ targetAverageUtilization, targetAverageValue }: OldResource): object => ({
    type: targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
    averageValue: targetAverageValue,
    averageUtilization: targetAverageUtilization,
  });
  return compact({
    type: type ?? '',
    object: object && {
      describedObject: object.target ?? NOTHING,
      target: {
        type: object.averageValue === undefined ? 'Value' : 'AverageValue',
        value: object.targetValue ?? ZERO,
        averageValue: object.averageValue,
      },
      metric: identifier(object.metricName, object.selector),
    },
    pods: pods && {
      metric: identifier(pods.metricName, pods.selector),
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue ?? ZERO },
    },
    resource: resource && { name: resource.name ?? '', target: ofResource(resource) },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      target: ofResource(containerResource),
      container: containerResource.container ?? '',
    },
    external: external && {
      metric: identifier(external.metricName, external.metricSelector),
      target: {
        type: external.targetValue === undefined ? 'AverageValue' : 'Value',
        value: external.targetValue,
        averageValue: external.targetAverageValue,
      },
    },
  }) as MetricSpec;
}

export function newStatus(old: OldMetric): MetricStatus {
  const { type, object, pods, resource, containerResource, external } = old;
  const ofResource = ({ currentAverageUtilization, currentAverageValue = ZERO }: OldResource): object => ({
    averageValue: currentAverageValue,
    averageUtilization: currentAverageUtilization,
  });
  return compact({
    type: type ?? '',
    object: object && {
      metric: identifier(object.metricName, object.selector),
      current: { value: object.currentValue ?? ZERO, averageValue: object.averageValue },
      describedObject: object.target ?? NOTHING,
    },
    pods: pods && {
      metric: identifier(pods.metricName, pods.selector),
      current: { averageValue: pods.currentAverageValue ?? ZERO },
    },
    resource: resource && { name: resource.name ?? '', current: ofResource(resource) },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      current: ofResource(containerResource),
      container: containerResource.container ?? '',
    },
    external: external && {
      metric: identifier(external.metricName, external.metricSelector),
      current: { value: external.currentValue ?? ZERO, averageValue: external.currentAverageValue },
    },
  }) as MetricStatus;
}

function identifier(name: string | undefined, selector: LabelSelector | undefined): MetricIdentifier {
  return { name: name ?? '', ...(selector === undefined ? {} : { selector }) };
}

/** Without the fields that are undefined, however deep. */
function compact(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
