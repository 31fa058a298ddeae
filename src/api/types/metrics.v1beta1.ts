// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface NodeMetrics {
  readonly apiVersion: 'metrics.k8s.io/v1beta1';
  readonly kind: 'NodeMetrics';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly timestamp: string;
  readonly window: string;
  readonly usage?: coreV1.ResourceList | null;
}

export interface NodeMetricsList {
  readonly apiVersion: 'metrics.k8s.io/v1beta1';
  readonly kind: 'NodeMetricsList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly NodeMetrics[] | null;
}

export interface PodMetrics {
  readonly apiVersion: 'metrics.k8s.io/v1beta1';
  readonly kind: 'PodMetrics';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly timestamp: string;
  readonly window: string;
  readonly containers?: readonly ContainerMetrics[] | null;
}

export interface PodMetricsList {
  readonly apiVersion: 'metrics.k8s.io/v1beta1';
  readonly kind: 'PodMetricsList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly PodMetrics[] | null;
}

export interface ContainerMetrics {
  readonly name: string;
  readonly usage?: coreV1.ResourceList | null;
}
