import { Counter, Gauge, Histogram, type MetricsRegistry } from '#base/metrics.ts';

/** 10 ns to 1,000 s in steps of ten, in seconds: upstream's buckets for queue times. */
const SECONDS_BUCKETS = Array.from({ length: 12 }, (_, exponent) => Number(`1e${exponent - 8}`));
const labels = ['name'];

/** The `workqueue_*` series, labelled by queue name and shared by all queues of one registry. */
export interface WorkQueueMetrics {
  readonly depth: Gauge;
  readonly adds: Counter;
  readonly queueSeconds: Histogram;
  readonly workSeconds: Histogram;
  readonly retries: Counter;
}

export function workQueueMetrics(registry: MetricsRegistry): WorkQueueMetrics {
  return {
    depth: registry.register(
      new Gauge({ name: 'workqueue_depth', help: 'Current depth of workqueue', labels }),
    ),
    adds: registry.register(
      new Counter({
        name: 'workqueue_adds_total',
        help: 'Total number of adds handled by workqueue',
        labels,
      }),
    ),
    queueSeconds: registry.register(
      new Histogram({
        name: 'workqueue_queue_duration_seconds',
        help: 'How long in seconds an item stays in workqueue before being requested.',
        labels,
        buckets: SECONDS_BUCKETS,
      }),
    ),
    workSeconds: registry.register(
      new Histogram({
        name: 'workqueue_work_duration_seconds',
        help: 'How long in seconds processing an item from workqueue takes.',
        labels,
        buckets: SECONDS_BUCKETS,
      }),
    ),
    retries: registry.register(
      new Counter({
        name: 'workqueue_retries_total',
        help: 'Total number of retries handled by workqueue',
        labels,
      }),
    ),
  };
}
