// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export type CoordinatedLeaseStrategy = string;

export interface Lease {
  readonly apiVersion: 'coordination.k8s.io/v1';
  readonly kind: 'Lease';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: LeaseSpec;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
  readonly strategy?: CoordinatedLeaseStrategy;
  readonly preferredHolder?: string;
}

export interface LeaseList {
  readonly apiVersion: 'coordination.k8s.io/v1';
  readonly kind: 'LeaseList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly Lease[];
}
