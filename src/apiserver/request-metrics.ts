import { Counter, Gauge, Histogram, type MetricsRegistry } from '#base/metrics.ts';
import type { RequestInfo } from './request-info.ts';

const DURATION_SECONDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

/** Counts requests under the names that dashboards for Kubernetes know. */
export class RequestMetrics {
  readonly #total: Counter;
  readonly #duration: Histogram;
  readonly watches: Gauge;

  constructor(registry: MetricsRegistry) {
    this.#total = registry.register(
      new Counter({
        name: 'apiserver_request_total',
        help: 'Requests by verb, resource, scope and HTTP status.',
        labels: [
          'verb',
          'dry_run',
          'group',
          'version',
          'resource',
          'subresource',
          'scope',
          'component',
          'code',
        ],
      }),
    );
    this.#duration = registry.register(
      new Histogram({
        name: 'apiserver_request_duration_seconds',
        help: 'Response latency by verb and resource, in seconds.',
        labels: ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'],
        buckets: DURATION_SECONDS,
      }),
    );
    this.watches = registry.register(
      new Gauge({
        name: 'apiserver_longrunning_requests',
        help: 'Open watches and streams.',
        labels: ['verb', 'resource'],
      }),
    );
  }

  observe(info: RequestInfo | undefined, code: number, durationMs: number): void {
    if (info === undefined || !info.isResource) {
      return;
    }
    const scope = info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';
    const labels = [
      info.verb.toUpperCase(),
      '',
      info.group,
      info.version,
      info.resource,
      info.subresource,
      scope,
      'apiserver',
    ];
    this.#total.inc([...labels, String(code)]);
    if (info.verb !== 'watch') {
      this.#duration.observe(durationMs / 1000, labels);
    }
  }
}
