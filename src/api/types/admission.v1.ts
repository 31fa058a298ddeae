// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as authenticationV1 from './authentication.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface AdmissionReview {
  readonly apiVersion?: 'admission.k8s.io/v1';
  readonly kind?: 'AdmissionReview';
  readonly request?: AdmissionRequest;
  readonly response?: AdmissionResponse;
}

export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: metaV1.GroupVersionKind;
  readonly resource: metaV1.GroupVersionResource;
  readonly subResource?: string;
  readonly requestKind?: metaV1.GroupVersionKind;
  readonly requestResource?: metaV1.GroupVersionResource;
  readonly requestSubResource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: Operation;
  readonly userInfo: authenticationV1.UserInfo;
  readonly object?: { readonly [key: string]: unknown };
  readonly oldObject?: { readonly [key: string]: unknown };
  readonly dryRun?: boolean;
  readonly options?: { readonly [key: string]: unknown };
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: metaV1.Status;
  readonly patch?: string;
  readonly patchType?: PatchType;
  readonly auditAnnotations?: { readonly [key: string]: string };
  readonly warnings?: readonly string[];
}

export type PatchType = string;

export type Operation = string;
