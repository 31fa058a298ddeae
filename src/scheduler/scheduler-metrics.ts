import { Counter, Gauge, Histogram, type MetricsRegistry } from '#base/metrics.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

/** Seconds: 1 ms, doubled 14 times. */
const DURATION_BUCKETS = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power);

/** The scheduler's metrics, under upstream's names. */
export class SchedulerMetrics {
  readonly attempts: Counter;
  readonly attemptSeconds: Histogram;
  readonly algorithmSeconds: Histogram;
  readonly podSeconds: Histogram;
  readonly podAttempts: Histogram;
  readonly preemptionAttempts: Counter;
  readonly preemptionVictims: Histogram;
  readonly #pending: Gauge;

  constructor(registry: MetricsRegistry) {
    this.attempts = registry.register(
      new Counter({
        name: 'scheduler_schedule_attempts_total',
        help: 'Number of attempts to schedule pods, by the result.',
        labels: ['result', 'profile'],
      }),
    );
    this.attemptSeconds = registry.register(
      new Histogram({
        name: 'scheduler_scheduling_attempt_duration_seconds',
        help: 'Seconds of an attempt: deciding and binding.',
        labels: ['result', 'profile'],
        buckets: DURATION_BUCKETS,
      }),
    );
    this.algorithmSeconds = registry.register(
      new Histogram({
        name: 'scheduler_scheduling_algorithm_duration_seconds',
        help: 'Seconds of deciding.',
        buckets: DURATION_BUCKETS,
      }),
    );
    this.podSeconds = registry.register(
      new Histogram({
        name: 'scheduler_pod_scheduling_sli_duration_seconds',
        help: 'Seconds from first seeing a pod to its binding.',
        labels: ['attempts'],
        buckets: Array.from({ length: 20 }, (_, power) => 0.01 * 2 ** power),
      }),
    );
    this.podAttempts = registry.register(
      new Histogram({
        name: 'scheduler_pod_scheduling_attempts',
        help: 'Attempts until a pod was bound.',
        buckets: [1, 2, 4, 8, 16],
      }),
    );
    this.preemptionAttempts = registry.register(
      new Counter({
        name: 'scheduler_preemption_attempts_total',
        help: 'Number of times room was made by removing pods.',
      }),
    );
    this.preemptionVictims = registry.register(
      new Histogram({
        name: 'scheduler_preemption_victims',
        help: 'Pods removed at a time.',
        buckets: [1, 2, 4, 8, 16, 32, 64],
      }),
    );
    this.#pending = registry.register(
      new Gauge({
        name: 'scheduler_pending_pods',
        help: 'Number of pending pods, by the queue.',
        labels: ['queue'],
      }),
    );
  }

  observeQueue(queue: SchedulingQueue): void {
    for (const [name, size] of Object.entries(queue.sizes())) {
      this.#pending.set(size, [name]);
    }
  }
}
