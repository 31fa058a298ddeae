// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface PodDisruptionBudgetSpec {
  readonly minAvailable?: number | string;
  readonly selector?: metaV1.LabelSelector;
  readonly maxUnavailable?: number | string;
  readonly unhealthyPodEvictionPolicy?: UnhealthyPodEvictionPolicyType;
}

export type UnhealthyPodEvictionPolicyType = 'IfHealthyBudget' | 'AlwaysAllow';

export interface PodDisruptionBudgetStatus {
  readonly observedGeneration?: number;
  readonly disruptedPods?: { readonly [key: string]: string };
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  readonly conditions?: readonly metaV1.Condition[];
}

export interface PodDisruptionBudget {
  readonly apiVersion: 'policy/v1';
  readonly kind: 'PodDisruptionBudget';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: PodDisruptionBudgetSpec;
  readonly status: PodDisruptionBudgetStatus;
}

export interface PodDisruptionBudgetList {
  readonly apiVersion: 'policy/v1';
  readonly kind: 'PodDisruptionBudgetList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly PodDisruptionBudget[];
}

export interface Eviction {
  readonly apiVersion: 'policy/v1';
  readonly kind: 'Eviction';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly deleteOptions?: metaV1.DeleteOptions;
}
