// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as metaV1 from './meta.v1.ts';

export interface APIServiceList {
  readonly apiVersion: 'apiregistration.k8s.io/v1';
  readonly kind: 'APIServiceList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly APIService[];
}

export interface ServiceReference {
  readonly namespace?: string;
  readonly name?: string;
  readonly port?: number;
}

export interface APIServiceSpec {
  readonly service?: ServiceReference;
  readonly group?: string;
  readonly version?: string;
  readonly insecureSkipTLSVerify?: boolean;
  readonly caBundle?: string;
  readonly groupPriorityMinimum: number;
  readonly versionPriority: number;
}

export type ConditionStatus = string;

export type APIServiceConditionType = string;

export interface APIServiceCondition {
  readonly type: APIServiceConditionType;
  readonly status: ConditionStatus;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface APIServiceStatus {
  readonly conditions?: readonly APIServiceCondition[];
}

export interface APIService {
  readonly apiVersion: 'apiregistration.k8s.io/v1';
  readonly kind: 'APIService';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: APIServiceSpec;
  readonly status: APIServiceStatus;
}
