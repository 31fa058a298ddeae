// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface ClusterTrustBundle {
  readonly apiVersion: 'certificates.k8s.io/v1alpha1';
  readonly kind: 'ClusterTrustBundle';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: ClusterTrustBundleSpec;
}

export interface ClusterTrustBundleSpec {
  readonly signerName?: string;
  readonly trustBundle: string;
}

export interface ClusterTrustBundleList {
  readonly apiVersion: 'certificates.k8s.io/v1alpha1';
  readonly kind: 'ClusterTrustBundleList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly ClusterTrustBundle[];
}
