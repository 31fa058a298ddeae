// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface StorageVersionMigration {
  readonly apiVersion: 'storagemigration.k8s.io/v1beta1';
  readonly kind: 'StorageVersionMigration';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: StorageVersionMigrationSpec;
  readonly status: StorageVersionMigrationStatus;
}

export interface StorageVersionMigrationSpec {
  readonly resource: metaV1.GroupResource;
}

export type MigrationConditionType = string;

export interface StorageVersionMigrationStatus {
  readonly conditions?: readonly metaV1.Condition[];
  readonly resourceVersion?: string;
}

export interface StorageVersionMigrationList {
  readonly apiVersion: 'storagemigration.k8s.io/v1beta1';
  readonly kind: 'StorageVersionMigrationList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly StorageVersionMigration[];
}
