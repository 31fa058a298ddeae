// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface Workload {
  readonly apiVersion: 'scheduling.k8s.io/v1alpha2';
  readonly kind: 'Workload';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: WorkloadSpec;
}

export interface WorkloadList {
  readonly apiVersion: 'scheduling.k8s.io/v1alpha2';
  readonly kind: 'WorkloadList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly Workload[];
}

export interface WorkloadSpec {
  readonly controllerRef?: TypedLocalObjectReference;
  readonly podGroupTemplates: readonly PodGroupTemplate[];
}

export interface TypedLocalObjectReference {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

export interface PodGroupTemplate {
  readonly name: string;
  readonly schedulingPolicy: PodGroupSchedulingPolicy;
  readonly schedulingConstraints?: PodGroupSchedulingConstraints;
  readonly resourceClaims?: readonly PodGroupResourceClaim[];
  readonly disruptionMode?: DisruptionMode;
  readonly priorityClassName?: string;
  readonly priority?: number;
}

export interface PodGroupSchedulingPolicy {
  readonly basic?: BasicSchedulingPolicy;
  readonly gang?: GangSchedulingPolicy;
}

export type BasicSchedulingPolicy = Readonly<Record<string, never>>;

export interface GangSchedulingPolicy {
  readonly minCount: number;
}

export interface PodGroupResourceClaim {
  readonly name: string;
  readonly resourceClaimName?: string;
  readonly resourceClaimTemplateName?: string;
}

export type DisruptionMode = 'Pod' | 'PodGroup';

export interface PodGroup {
  readonly apiVersion: 'scheduling.k8s.io/v1alpha2';
  readonly kind: 'PodGroup';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: PodGroupSpec;
  readonly status: PodGroupStatus;
}

export interface PodGroupList {
  readonly apiVersion: 'scheduling.k8s.io/v1alpha2';
  readonly kind: 'PodGroupList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly PodGroup[];
}

export interface PodGroupSpec {
  readonly podGroupTemplateRef?: PodGroupTemplateReference;
  readonly schedulingPolicy: PodGroupSchedulingPolicy;
  readonly schedulingConstraints?: PodGroupSchedulingConstraints;
  readonly resourceClaims?: readonly PodGroupResourceClaim[];
  readonly disruptionMode?: DisruptionMode;
  readonly priorityClassName?: string;
  readonly priority?: number;
}

export interface PodGroupStatus {
  readonly conditions?: readonly metaV1.Condition[];
  readonly resourceClaimStatuses?: readonly PodGroupResourceClaimStatus[];
}

export interface PodGroupResourceClaimStatus {
  readonly name: string;
  readonly resourceClaimName?: string;
}

export interface PodGroupTemplateReference {
  readonly workload?: WorkloadPodGroupTemplateReference;
}

export interface WorkloadPodGroupTemplateReference {
  readonly workloadName: string;
  readonly podGroupTemplateName: string;
}

export interface PodGroupSchedulingConstraints {
  readonly topology?: readonly TopologyConstraint[];
}

export interface TopologyConstraint {
  readonly key: string;
}
