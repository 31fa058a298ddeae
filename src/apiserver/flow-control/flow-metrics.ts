import { Counter, Gauge, Histogram, type HistogramSeries, type MetricsRegistry } from '#base/metrics.ts';
import type { SeatDemandStats } from './seat-demand.ts';

const PREFIX = 'apiserver_flowcontrol_';
const LEVEL = 'priority_level';
const SCHEMA = 'flow_schema';
const QUEUE_LENGTHS = [0, 10, 25, 50, 100, 250, 500, 1000];
const DURATIONS_SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const SEATS = [1, 2, 4, 8, 16, 32, 64, 100];

export type RejectReason = 'concurrency-limit' | 'queue-full' | 'time-out';

/** The series of one schema's requests at one level, looked up once. */
export interface FlowSeries {
  readonly dispatched: { value: number };
  readonly waiting: { value: number };
  readonly waitingSeats: { value: number };
  readonly executing: { value: number };
  readonly executingSeats: { value: number };
  readonly noAccommodation: () => { value: number };
  readonly rejected: (reason: RejectReason) => void;
  readonly queueLength: HistogramSeries;
  readonly waitSeconds: HistogramSeries;
  readonly executionSeconds: HistogramSeries;
  readonly estimatedSeats: HistogramSeries;
  readonly labels: readonly [level: string, schema: string];
}

/** What goes on in flow control, under upstream's names (`apiserver_flowcontrol_…`). */
export class FlowMetrics {
  readonly queueLength: Histogram;
  readonly waitSeconds: Histogram;
  readonly executionSeconds: Histogram;
  readonly estimatedSeats: Histogram;
  readonly #counts: ReturnType<typeof countersIn>;
  readonly #now: ReturnType<typeof requestGaugesIn>;
  readonly #limits: ReturnType<typeof levelGaugesIn>;

  constructor(registry: MetricsRegistry) {
    this.#counts = countersIn(registry);
    this.#now = requestGaugesIn(registry);
    this.#limits = levelGaugesIn(registry);
    const histogram = (
      name: string,
      help: string,
      { buckets, extra = [] }: { readonly buckets: readonly number[]; readonly extra?: readonly string[] },
    ): Histogram =>
      registry.register(
        new Histogram({ name: PREFIX + name, help, labels: [LEVEL, SCHEMA, ...extra], buckets }),
      );
    this.queueLength = histogram(
      'request_queue_length_after_enqueue',
      'Length of a queue after a request joined it.',
      { buckets: QUEUE_LENGTHS },
    );
    this.waitSeconds = histogram('request_wait_duration_seconds', 'Time that requests waited.', {
      buckets: DURATIONS_SECONDS,
      extra: ['execute'],
    });
    this.executionSeconds = histogram('request_execution_seconds', 'Time that requests took.', {
      buckets: DURATIONS_SECONDS,
      extra: ['type'],
    });
    this.estimatedSeats = histogram('work_estimated_seats', 'Seats that requests were estimated at.', {
      buckets: SEATS,
    });
  }

  seriesOf(level: string, schema: string): FlowSeries {
    const labels = [level, schema] as const;
    return {
      labels,
      dispatched: this.#counts.dispatched.series(labels),
      waiting: this.#now.waiting.series(labels),
      waitingSeats: this.#now.waitingSeats.series(labels),
      executing: this.#now.executing.series(labels),
      executingSeats: this.#now.executingSeats.series(labels),
      noAccommodation: () => this.#counts.noAccommodation.series(labels),
      rejected: (reason) => this.#counts.rejected.inc([...labels, reason]),
      queueLength: this.queueLength.series(labels),
      waitSeconds: this.waitSeconds.series([...labels, 'true']),
      executionSeconds: this.executionSeconds.series([...labels, 'regular']),
      estimatedSeats: this.estimatedSeats.series(labels),
    };
  }

  setLimits(level: string, limits: { nominal: number; lower: number; upper: number }): void {
    this.#limits.nominal.set(limits.nominal, [level]);
    this.#limits.lower.set(limits.lower, [level]);
    this.#limits.upper.set(limits.upper, [level]);
  }

  setAdjustment(level: string, demand: SeatDemandStats, target: number, current: number): void {
    this.#limits.highWatermark.set(demand.highWatermark, [level]);
    this.#limits.average.set(demand.average, [level]);
    this.#limits.deviation.set(demand.deviation, [level]);
    this.#limits.smoothed.set(demand.smoothed, [level]);
    this.#limits.target.set(target, [level]);
    this.#limits.current.set(current, [level]);
  }

  setFairFraction(fraction: number): void {
    this.#limits.fairFraction.set(fraction);
  }
}

function countersIn(
  registry: MetricsRegistry,
): Record<'rejected' | 'dispatched' | 'noAccommodation', Counter> {
  const counter = (name: string, help: string, extra: readonly string[] = []): Counter =>
    registry.register(new Counter({ name: PREFIX + name, help, labels: [LEVEL, SCHEMA, ...extra] }));
  return {
    rejected: counter('rejected_requests_total', 'Requests that were rejected.', ['reason']),
    dispatched: counter('dispatched_requests_total', 'Requests that were executed.'),
    noAccommodation: counter(
      'request_dispatch_no_accommodation_total',
      'Dispatches that found too few seats for the request whose turn it was.',
    ),
  };
}

function requestGaugesIn(
  registry: MetricsRegistry,
): Record<'waiting' | 'waitingSeats' | 'executing' | 'executingSeats', Gauge> {
  const gauge = (name: string, help: string): Gauge =>
    registry.register(new Gauge({ name: PREFIX + name, help, labels: [LEVEL, SCHEMA] }));
  return {
    waiting: gauge('current_inqueue_requests', 'Requests waiting in queues.'),
    waitingSeats: gauge('current_inqueue_seats', 'Seats that waiting requests ask for.'),
    executing: gauge('current_executing_requests', 'Requests in execution.'),
    executingSeats: gauge('current_executing_seats', 'Seats of requests in execution.'),
  };
}

type LevelGauge =
  | 'nominal'
  | 'lower'
  | 'upper'
  | 'current'
  | 'target'
  | 'highWatermark'
  | 'average'
  | 'deviation'
  | 'smoothed'
  | 'fairFraction';

function levelGaugesIn(registry: MetricsRegistry): Record<LevelGauge, Gauge> {
  const gauge = (name: string, help: string, labels: readonly string[] = [LEVEL]): Gauge =>
    registry.register(new Gauge({ name: PREFIX + name, help, labels }));
  return {
    nominal: gauge('nominal_limit_seats', 'Seats configured for the level.'),
    lower: gauge('lower_limit_seats', 'Seats the level keeps whatever others need.'),
    upper: gauge('upper_limit_seats', 'Seats the level may have at most.'),
    current: gauge('current_limit_seats', 'Seats the level has now.'),
    target: gauge('target_seats', 'Seats the level was meant to have.'),
    highWatermark: gauge('demand_seats_high_watermark', 'Most seats asked for at once.'),
    average: gauge('demand_seats_average', 'Average of seats asked for.'),
    deviation: gauge('demand_seats_stdev', 'Deviation of seats asked for.'),
    smoothed: gauge('demand_seats_smoothed', 'Seats asked for, smoothed.'),
    fairFraction: gauge('seat_fair_frac', 'Part of its target each level gets.', []),
  };
}
