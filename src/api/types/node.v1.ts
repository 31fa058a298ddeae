// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface RuntimeClass {
  readonly apiVersion: 'node.k8s.io/v1';
  readonly kind: 'RuntimeClass';
  readonly metadata: metaV1.ObjectMeta;
  readonly handler: string;
  readonly overhead?: Overhead;
  readonly scheduling?: Scheduling;
}

export interface Overhead {
  readonly podFixed?: coreV1.ResourceList;
}

export interface Scheduling {
  readonly nodeSelector?: { readonly [key: string]: string };
  readonly tolerations?: readonly coreV1.Toleration[];
}

export interface RuntimeClassList {
  readonly apiVersion: 'node.k8s.io/v1';
  readonly kind: 'RuntimeClassList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly RuntimeClass[];
}
