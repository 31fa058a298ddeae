import { assert } from '#base/assert.ts';
import type { Clock, Timer } from '#base/clock.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import { workQueueMetrics, type WorkQueueMetrics } from './work-queue-metrics.ts';

export interface WorkQueueOptions {
  /** The `name` label of the queue's metrics. */
  readonly name: string;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
}

/** First delay of an item that failed; doubles with each further failure. */
const RETRY_MS_INITIAL = 5;
/** Longest delay of an item that keeps failing: 1,000 seconds. */
const RETRY_MS_MAX = 1_000_000;
/** Retries of all items together: so many at once, then so many a second. */
const RETRY_BURST = 100;
const RETRIES_PER_SECOND = 10;

/**
 * Keys that wait for a worker. Fair (in order of adding), stingy (a key waits once, however often it was
 * added), and never handed to two workers: a key added while it is worked on waits until `done`.
 *
 * The bound is the number of different keys, which is the number of objects watched.
 */
export class WorkQueue {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #metrics: WorkQueueMetrics;
  /** Keys to hand out, in order, with the time they were added. Never one that is in `#working`. */
  readonly #waiting = new Map<string, number>();
  /** Keys that workers have, with the time they took them. */
  readonly #working = new Map<string, number>();
  /** Keys of `#working` that were added again. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly timer: Timer }>();
  readonly #failures = new Map<string, number>();
  /** The bucket limiter's next free slot, as monotonic time. */
  #nextSlotMs = -Infinity;
  #takers: ((key: string | undefined) => void)[] = [];
  #isClosed = false;

  constructor({ name, clock, metrics }: WorkQueueOptions) {
    this.#name = name;
    this.#clock = clock;
    this.#metrics = workQueueMetrics(metrics);
    this.#metrics.depth.set(0, [name]);
  }

  /** Number of keys ready to be taken. */
  get size(): number {
    return this.#waiting.size;
  }

  /** True when nothing waits, is delayed or is being worked on. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#working.size === 0 && this.#delayed.size === 0;
  }

  add(key: string): void {
    if (this.#isClosed || this.#waiting.has(key) || this.#again.has(key)) {
      return;
    }
    this.#metrics.adds.inc([this.#name]);
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#enqueue(key);
  }

  /** Adds the key once `delayMs` has passed; of several delays of one key the shortest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isClosed) {
      return;
    }
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const pending = this.#delayed.get(key);
    if (pending !== undefined && pending.dueMs <= dueMs) {
      return;
    }
    pending?.timer.cancel();
    const timer = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, timer });
  }

  /** Adds a key that failed, later with every failure since the last {@link forget}. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.retries.inc([this.#name]);
    const ownDelayMs = Math.min(RETRY_MS_INITIAL * 2 ** failures, RETRY_MS_MAX);
    this.addAfter(key, Math.max(ownDelayMs, this.#bucketDelayMs()));
  }

  /** Ends the history of failures of a key. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures of the key since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; undefined once the queue is closed. Call {@link done} with it after. */
  take(): Promise<string | undefined> {
    const [first] = this.#waiting;
    if (first !== undefined && !this.#isClosed) {
      const [key, addedMs] = first;
      this.#waiting.delete(key);
      this.#hand(key, addedMs);
      return Promise.resolve(key);
    }
    if (this.#isClosed) {
      return Promise.resolve(undefined);
    }
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#takers.push(resolve);
    return promise;
  }

  done(key: string): void {
    const takenMs = this.#working.get(key);
    assert(takenMs !== undefined, `key ${key} is not being worked on`);
    this.#working.delete(key);
    this.#metrics.workSeconds.observe((this.#clock.monotonicMs() - takenMs) / 1000, [this.#name]);
    if (this.#again.delete(key) && !this.#isClosed) {
      this.#enqueue(key);
    }
  }

  /** Drops what waits, cancels what is delayed, and lets every `take` answer undefined. */
  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#delayed.values()) {
      timer.cancel();
    }
    this.#delayed.clear();
    this.#waiting.clear();
    this.#again.clear();
    this.#metrics.depth.set(0, [this.#name]);
    for (const taker of this.#takers) {
      taker(undefined);
    }
    this.#takers = [];
  }

  #enqueue(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#waiting.set(key, nowMs);
      this.#metrics.depth.set(this.#waiting.size, [this.#name]);
    } else {
      this.#hand(key, nowMs);
      taker(key);
    }
  }

  #hand(key: string, addedMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#working.set(key, nowMs);
    this.#metrics.queueSeconds.observe((nowMs - addedMs) / 1000, [this.#name]);
    this.#metrics.depth.set(this.#waiting.size, [this.#name]);
  }

  #bucketDelayMs(): number {
    const nowMs = this.#clock.monotonicMs();
    const slotMs = 1000 / RETRIES_PER_SECOND;
    // An idle bucket has RETRY_BURST tokens: its next slot lies that many slots in the past.
    this.#nextSlotMs = Math.max(this.#nextSlotMs, nowMs - RETRY_BURST * slotMs) + slotMs;
    return Math.max(this.#nextSlotMs - nowMs, 0);
  }
}
