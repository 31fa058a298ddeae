import { Counter, Gauge, Histogram, type MetricsRegistry } from '#base/metrics.ts';

/** The proxy's metrics, by upstream's names. */
export interface ProxyMetrics {
  readonly syncSeconds: Histogram;
  readonly fullSyncSeconds: Histogram;
  readonly partialSyncSeconds: Histogram;
  readonly lastSync: Gauge;
  readonly lastQueued: Gauge;
  readonly failures: Counter;
  readonly serviceChanges: Counter;
  readonly endpointChanges: Counter;
  readonly serviceChangesPending: Gauge;
  readonly endpointChangesPending: Gauge;
  readonly programmingSeconds: Histogram;
}

/** 1 ms to 16 s. */
const SYNC_BUCKETS = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);

const PROGRAMMING_BUCKETS = [
  0.25,
  0.5,
  ...Array.from({ length: 59 }, (_, index) => index + 1),
  ...Array.from({ length: 12 }, (_, index) => 60 + 5 * index),
  ...Array.from({ length: 7 }, (_, index) => 120 + 30 * index),
];

export function proxyMetrics(registry: MetricsRegistry): ProxyMetrics {
  const named = (name: string, help: string): { readonly name: string; readonly help: string } => ({
    name: `kubeproxy_${name}`,
    help,
  });
  const timed = (name: string, help: string): Histogram =>
    registry.register(new Histogram({ ...named(name, help), buckets: SYNC_BUCKETS }));
  const counter = (name: string, help: string): Counter => registry.register(new Counter(named(name, help)));
  const gauge = (name: string, help: string): Gauge => registry.register(new Gauge(named(name, help)));
  return {
    syncSeconds: timed('sync_proxy_rules_duration_seconds', 'Seconds a synchronisation of the rules took'),
    fullSyncSeconds: timed('sync_full_proxy_rules_duration_seconds', 'Seconds a full synchronisation took'),
    partialSyncSeconds: timed('sync_partial_proxy_rules_duration_seconds', 'Seconds a partial one took'),
    lastSync: gauge('sync_proxy_rules_last_timestamp_seconds', 'When the rules were last synchronised'),
    lastQueued: gauge('sync_proxy_rules_last_queued_timestamp_seconds', 'When a change last came in'),
    failures: counter('sync_proxy_rules_nftables_sync_failures_total', 'Transactions that were refused'),
    serviceChanges: counter('sync_proxy_rules_service_changes_total', 'Changes of services seen'),
    endpointChanges: counter('sync_proxy_rules_endpoint_changes_total', 'Changes of endpoints seen'),
    serviceChangesPending: gauge('sync_proxy_rules_service_changes_pending', 'Services not yet in step'),
    endpointChangesPending: gauge('sync_proxy_rules_endpoint_changes_pending', 'Endpoints not yet in step'),
    programmingSeconds: registry.register(
      new Histogram({
        ...named(
          'network_programming_duration_seconds',
          'Seconds from the change of a pod until it is in the rules',
        ),
        buckets: PROGRAMMING_BUCKETS,
      }),
    ),
  };
}
