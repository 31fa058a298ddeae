// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coordinationV1 from './coordination.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface LeaseCandidate {
  readonly apiVersion: 'coordination.k8s.io/v1alpha2';
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
  readonly apiVersion: 'coordination.k8s.io/v1alpha2';
  readonly kind: 'LeaseCandidateList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly LeaseCandidate[];
}
