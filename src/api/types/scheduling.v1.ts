// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface PriorityClass {
  readonly apiVersion: 'scheduling.k8s.io/v1';
  readonly kind: 'PriorityClass';
  readonly metadata: metaV1.ObjectMeta;
  readonly value: number;
  readonly globalDefault?: boolean;
  readonly description?: string;
  readonly preemptionPolicy?: coreV1.PreemptionPolicy;
}

export interface PriorityClassList {
  readonly apiVersion: 'scheduling.k8s.io/v1';
  readonly kind: 'PriorityClassList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly PriorityClass[];
}
