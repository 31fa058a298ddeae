// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface CrossVersionObjectReference {
  readonly kind: string;
  readonly name: string;
  readonly apiVersion?: string;
}

export interface HorizontalPodAutoscalerSpec {
  readonly scaleTargetRef: CrossVersionObjectReference;
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  readonly targetCPUUtilizationPercentage?: number;
}

export interface HorizontalPodAutoscalerStatus {
  readonly observedGeneration?: number;
  readonly lastScaleTime?: string;
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly currentCPUUtilizationPercentage?: number;
}

export interface HorizontalPodAutoscaler {
  readonly apiVersion: 'autoscaling/v1';
  readonly kind: 'HorizontalPodAutoscaler';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: HorizontalPodAutoscalerSpec;
  readonly status: HorizontalPodAutoscalerStatus;
}

export interface HorizontalPodAutoscalerList {
  readonly apiVersion: 'autoscaling/v1';
  readonly kind: 'HorizontalPodAutoscalerList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly HorizontalPodAutoscaler[];
}

export interface Scale {
  readonly apiVersion: 'autoscaling/v1';
  readonly kind: 'Scale';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: ScaleSpec;
  readonly status: ScaleStatus;
}

export interface ScaleSpec {
  readonly replicas?: number;
}

export interface ScaleStatus {
  readonly replicas: number;
  readonly selector?: string;
}

export type MetricSourceType = 'Object' | 'Pods' | 'Resource' | 'ContainerResource' | 'External';

export interface MetricSpec {
  readonly type: MetricSourceType;
  readonly object?: ObjectMetricSource;
  readonly pods?: PodsMetricSource;
  readonly resource?: ResourceMetricSource;
  readonly containerResource?: ContainerResourceMetricSource;
  readonly external?: ExternalMetricSource;
}

export interface ObjectMetricSource {
  readonly target: CrossVersionObjectReference;
  readonly metricName: string;
  readonly targetValue: string;
  readonly selector?: metaV1.LabelSelector;
  readonly averageValue?: string;
}

export interface PodsMetricSource {
  readonly metricName: string;
  readonly targetAverageValue: string;
  readonly selector?: metaV1.LabelSelector;
}

export interface ResourceMetricSource {
  readonly name: coreV1.ResourceName;
  readonly targetAverageUtilization?: number;
  readonly targetAverageValue?: string;
}

export interface ContainerResourceMetricSource {
  readonly name: coreV1.ResourceName;
  readonly targetAverageUtilization?: number;
  readonly targetAverageValue?: string;
  readonly container: string;
}

export interface ExternalMetricSource {
  readonly metricName: string;
  readonly metricSelector?: metaV1.LabelSelector;
  readonly targetValue?: string;
  readonly targetAverageValue?: string;
}

export interface MetricStatus {
  readonly type: MetricSourceType;
  readonly object?: ObjectMetricStatus;
  readonly pods?: PodsMetricStatus;
  readonly resource?: ResourceMetricStatus;
  readonly containerResource?: ContainerResourceMetricStatus;
  readonly external?: ExternalMetricStatus;
}

export type HorizontalPodAutoscalerConditionType = string;

export interface HorizontalPodAutoscalerCondition {
  readonly type: HorizontalPodAutoscalerConditionType;
  readonly status: coreV1.ConditionStatus;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface ObjectMetricStatus {
  readonly target: CrossVersionObjectReference;
  readonly metricName: string;
  readonly currentValue: string;
  readonly selector?: metaV1.LabelSelector;
  readonly averageValue?: string;
}

export interface PodsMetricStatus {
  readonly metricName: string;
  readonly currentAverageValue: string;
  readonly selector?: metaV1.LabelSelector;
}

export interface ResourceMetricStatus {
  readonly name: coreV1.ResourceName;
  readonly currentAverageUtilization?: number;
  readonly currentAverageValue: string;
}

export interface ContainerResourceMetricStatus {
  readonly name: coreV1.ResourceName;
  readonly currentAverageUtilization?: number;
  readonly currentAverageValue: string;
  readonly container: string;
}

export interface ExternalMetricStatus {
  readonly metricName: string;
  readonly metricSelector?: metaV1.LabelSelector;
  readonly currentValue: string;
  readonly currentAverageValue?: string;
}
