// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coordinationV1 from './coordination.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface Lease {
  readonly apiVersion: 'coordination.k8s.io/v1beta1';
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
  readonly strategy?: coordinationV1.CoordinatedLeaseStrategy;
  readonly preferredHolder?: string;
}

export interface LeaseList {
  readonly apiVersion: 'coordination.k8s.io/v1beta1';
  readonly kind: 'LeaseList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly Lease[] | null;
}

export interface LeaseCandidate {
  readonly apiVersion: 'coordination.k8s.io/v1beta1';
  readonly kind: 'LeaseCandidate';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: LeaseCandidateSpec;
}

export interface LeaseCandidateSpec {
  readonly leaseName: string;
  readonly pingTime?: string;
  readonly renewTime?: string;
  readonly binaryVersion: string;
  readonly emulationVersion?: string;
  readonly strategy: coordinationV1.CoordinatedLeaseStrategy;
}

export interface LeaseCandidateList {
  readonly apiVersion: 'coordination.k8s.io/v1beta1';
  readonly kind: 'LeaseCandidateList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly LeaseCandidate[];
}
