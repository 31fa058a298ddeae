// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface TokenReview {
  readonly apiVersion: 'authentication.k8s.io/v1';
  readonly kind: 'TokenReview';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: TokenReviewSpec;
  readonly status: TokenReviewStatus;
}

export interface TokenReviewSpec {
  readonly token: string;
  readonly audiences?: readonly string[];
}

export interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user: UserInfo;
  readonly audiences?: readonly string[];
  readonly error?: string;
}

export interface UserInfo {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: { readonly [key: string]: ExtraValue };
}

export type ExtraValue = readonly string[];

export interface TokenRequest {
  readonly apiVersion: 'authentication.k8s.io/v1';
  readonly kind: 'TokenRequest';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: TokenRequestSpec;
  readonly status: TokenRequestStatus;
}

export interface TokenRequestSpec {
  readonly audiences?: readonly string[] | null;
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: BoundObjectReference;
}

export interface TokenRequestStatus {
  readonly token: string;
  readonly expirationTimestamp: string;
}

export interface BoundObjectReference {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly name?: string;
  readonly uid?: string;
}

export interface SelfSubjectReview {
  readonly apiVersion: 'authentication.k8s.io/v1';
  readonly kind: 'SelfSubjectReview';
  readonly metadata: metaV1.ObjectMeta;
  readonly status: SelfSubjectReviewStatus;
}

export interface SelfSubjectReviewStatus {
  readonly userInfo: UserInfo;
}
