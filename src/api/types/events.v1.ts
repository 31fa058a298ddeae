// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface Event {
  readonly apiVersion: 'events.k8s.io/v1';
  readonly kind: 'Event';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly eventTime: string;
  readonly series?: EventSeries;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly reason?: string;
  readonly regarding: coreV1.ObjectReference;
  readonly related?: coreV1.ObjectReference;
  readonly note?: string;
  readonly type?: string;
  readonly deprecatedSource: coreV1.EventSource;
  readonly deprecatedFirstTimestamp?: string;
  readonly deprecatedLastTimestamp?: string;
  readonly deprecatedCount?: number;
}

export interface EventSeries {
  readonly count: number;
  readonly lastObservedTime: string;
}

export interface EventList {
  readonly apiVersion: 'events.k8s.io/v1';
  readonly kind: 'EventList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly Event[];
}
