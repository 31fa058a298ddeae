import { Counter, Gauge, Histogram, type MetricsRegistry } from '#base/metrics.ts';
import { isLongRunning, isMutating } from './flow-control/request-limiter.ts';
import type { RequestInfo } from './request-info.ts';

const DURATION_SECONDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

/** Counts requests under the names that dashboards for Kubernetes know. */
export class RequestMetrics {
  readonly #total: Counter;
  readonly #duration: Histogram;
  readonly watches: Gauge;
  readonly #terminations: Counter;
  readonly #inFlight: { readonly reading: { value: number }; readonly mutating: { value: number } };

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
    this.#terminations = registry.register(
      new Counter({
        name: 'apiserver_request_terminations_total',
        help: 'Requests that the server ended in self-defence.',
        labels: ['component', 'code', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'],
      }),
    );
    const inFlight = registry.register(
      new Gauge({
        name: 'apiserver_current_inflight_requests',
        help: 'Requests being served, by kind.',
        labels: ['request_kind'],
      }),
    );
    this.#inFlight = { reading: inFlight.series(['readOnly']), mutating: inFlight.series(['mutating']) };
  }

  /** Counts a request that is served from now on, until one is taken off the returned number. Streams do not count. */
  enter(info: RequestInfo): { value: number } | undefined {
    if (isLongRunning(info)) {
      return undefined;
    }
    const inFlight = this.#inFlight[isMutating(info) ? 'mutating' : 'reading'];
    inFlight.value += 1;
    return inFlight;
  }

  /** Counts a request that the server ended itself: turned away, or out of time. */
  terminated(info: RequestInfo, code: number): void {
    const { group, resource, subresource, verb, version } = info;
    this.#terminations.inc([
      'apiserver',
      String(code),
      group,
      resource,
      scopeOf(info),
      subresource,
      verb.toUpperCase(),
      version,
    ]);
  }

  observe(info: RequestInfo | undefined, code: number, durationMs: number): void {
    if (info === undefined || !info.isResource) {
      return;
    }
    const labels = [
      info.verb.toUpperCase(),
      '',
      info.group,
      info.version,
      info.resource,
      info.subresource,
      scopeOf(info),
      'apiserver',
    ];
    this.#total.inc([...labels, String(code)]);
    if (info.verb !== 'watch') {
      this.#duration.observe(durationMs / 1000, labels);
    }
  }
}

function scopeOf({ isResource, name, namespace }: RequestInfo): string {
  return !isResource ? '' : name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
}
