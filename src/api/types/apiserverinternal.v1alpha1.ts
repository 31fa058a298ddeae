// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface StorageVersion {
  readonly apiVersion: 'internal.apiserver.k8s.io/v1alpha1';
  readonly kind: 'StorageVersion';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: StorageVersionSpec;
  readonly status: StorageVersionStatus;
}

export type StorageVersionSpec = Readonly<Record<string, never>>;

export interface StorageVersionStatus {
  readonly storageVersions?: readonly ServerStorageVersion[];
  readonly commonEncodingVersion?: string;
  readonly conditions?: readonly StorageVersionCondition[];
}

export interface ServerStorageVersion {
  readonly apiServerID: string;
  readonly encodingVersion: string;
  readonly decodableVersions: readonly string[];
  readonly servedVersions?: readonly string[];
}

export type StorageVersionConditionType = string;

export type ConditionStatus = string;

export interface StorageVersionCondition {
  readonly type: StorageVersionConditionType;
  readonly status: ConditionStatus;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
  readonly reason: string;
  readonly message: string;
}

export interface StorageVersionList {
  readonly apiVersion: 'internal.apiserver.k8s.io/v1alpha1';
  readonly kind: 'StorageVersionList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly StorageVersion[];
}
