import type { PriorityLevelConfiguration } from '#api/types/flowcontrol.v1.ts';
import type { FlowMetrics, FlowSeries } from './flow-metrics.ts';
import { queueConfigOf, type LevelLimits } from './level-limits.ts';
import { QueueSet } from './queue-set.ts';
import { RetryAfter } from './retry-after.ts';
import { SeatDemand } from './seat-demand.ts';
import { seatsPerRequest } from './work-estimate.ts';

/** Keeps the weight of a level without seats above nothing. */
const WEIGHT_MIN = 0.1;

/** One priority level at work. */
export class PriorityLevel {
  readonly name: string;
  readonly queues = new QueueSet();
  readonly demand: SeatDemand;
  readonly retryAfter = new RetryAfter();
  config: PriorityLevelConfiguration;
  limits: LevelLimits = { nominal: 0, lower: 0, upper: 0 };
  /** What one request may have; undefined without queues. */
  requestSeatsMax: number | undefined;
  /** True for a level that was deleted and still has requests. */
  isQuiescing = false;
  /** Rises by the seats it was given over its weight; the level with the least is next in a crowded turn. */
  pass = 0;
  readonly #series = new Map<string, FlowSeries>();

  constructor(config: PriorityLevelConfiguration, nowMs: number) {
    this.name = config.metadata.name;
    this.config = config;
    this.demand = new SeatDemand(nowMs);
  }

  get isExempt(): boolean {
    return this.config.spec.type === 'Exempt';
  }

  get weight(): number {
    return Math.max(this.queues.limit, WEIGHT_MIN);
  }

  seriesOf(schema: string, metrics: FlowMetrics): FlowSeries {
    let series = this.#series.get(schema);
    if (series === undefined) {
      series = metrics.seriesOf(this.name, schema);
      this.#series.set(schema, series);
    }
    return series;
  }

  /** Takes over limits; a level that is new starts with half of what it may lend given away. */
  configure(limits: LevelLimits, isNew: boolean): void {
    const queuing = queueConfigOf(this.config);
    this.limits = limits;
    this.queues.configure(queuing);
    this.requestSeatsMax =
      queuing === undefined ? undefined : seatsPerRequest(limits.nominal, queuing.handSize);
    if (isNew) {
      this.queues.limit = limits.nominal - Math.floor((limits.nominal - limits.lower) / 2);
    }
  }

  noteDemand(nowMs: number): void {
    this.demand.set(this.queues.seatsInUse + this.queues.seatsWaiting, nowMs);
  }
}
