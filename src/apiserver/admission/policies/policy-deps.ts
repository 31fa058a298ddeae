import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionMetrics } from '../admission-metrics.ts';
import type { ServedKinds } from './policy-params.ts';

/** What policies of both kinds need. */
export interface PolicyDeps {
  readonly reader: ObjectReader;
  readonly kinds: ServedKinds;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: MetricsRegistry;
  /** Of match conditions, which webhooks have too. */
  readonly metrics: () => AdmissionMetrics;
}
