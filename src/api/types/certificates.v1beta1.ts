// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface CertificateSigningRequest {
  readonly apiVersion: 'certificates.k8s.io/v1beta1';
  readonly kind: 'CertificateSigningRequest';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: CertificateSigningRequestSpec;
  readonly status: CertificateSigningRequestStatus;
}

export interface CertificateSigningRequestSpec {
  readonly request: string;
  readonly signerName?: string;
  readonly expirationSeconds?: number;
  readonly usages?: readonly KeyUsage[];
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: { readonly [key: string]: ExtraValue };
}

export type ExtraValue = readonly string[];

export interface CertificateSigningRequestStatus {
  readonly conditions?: readonly CertificateSigningRequestCondition[];
  readonly certificate?: string;
}

export type RequestConditionType = string;

export interface CertificateSigningRequestCondition {
  readonly type: RequestConditionType;
  readonly status: coreV1.ConditionStatus;
  readonly reason?: string;
  readonly message?: string;
  readonly lastUpdateTime?: string;
  readonly lastTransitionTime?: string;
}

export interface CertificateSigningRequestList {
  readonly apiVersion: 'certificates.k8s.io/v1beta1';
  readonly kind: 'CertificateSigningRequestList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly CertificateSigningRequest[] | null;
}

export type KeyUsage = string;

export interface ClusterTrustBundle {
  readonly apiVersion: 'certificates.k8s.io/v1beta1';
  readonly kind: 'ClusterTrustBundle';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: ClusterTrustBundleSpec;
}

export interface ClusterTrustBundleSpec {
  readonly signerName?: string;
  readonly trustBundle: string;
}

export interface ClusterTrustBundleList {
  readonly apiVersion: 'certificates.k8s.io/v1beta1';
  readonly kind: 'ClusterTrustBundleList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly ClusterTrustBundle[];
}

export interface PodCertificateRequest {
  readonly apiVersion: 'certificates.k8s.io/v1beta1';
  readonly kind: 'PodCertificateRequest';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: PodCertificateRequestSpec;
  readonly status: PodCertificateRequestStatus;
}

export interface PodCertificateRequestSpec {
  readonly signerName: string;
  readonly podName: string;
  readonly podUID: string;
  readonly serviceAccountName: string;
  readonly serviceAccountUID: string;
  readonly nodeName: string;
  readonly nodeUID: string;
  readonly maxExpirationSeconds?: number;
  readonly pkixPublicKey: string;
  readonly proofOfPossession: string;
  readonly stubPKCS10Request: string;
  readonly unverifiedUserAnnotations?: { readonly [key: string]: string };
}

export interface PodCertificateRequestStatus {
  readonly conditions?: readonly metaV1.Condition[];
  readonly certificateChain?: string;
  readonly notBefore?: string;
  readonly beginRefreshAt?: string;
  readonly notAfter?: string;
}

export interface PodCertificateRequestList {
  readonly apiVersion: 'certificates.k8s.io/v1beta1';
  readonly kind: 'PodCertificateRequestList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly PodCertificateRequest[];
}
