import type { Clock } from '#base/clock.ts';
import type { AuditEvent } from './audit-event.ts';

export interface BatchOptions {
  /** Events that wait to be sent; more are refused. */
  readonly bufferMax: number;
  readonly batchMax: number;
  /** A batch that is not full is sent after this. */
  readonly waitMs: number;
  /** Batches a second, on average. */
  readonly perSecond: number;
  /** Batches at once, if there were few before. */
  readonly burst: number;
}

/** As upstream's. */
export const BATCH_DEFAULT: BatchOptions = {
  bufferMax: 10_000,
  batchMax: 400,
  waitMs: 30_000,
  perSecond: 10,
  burst: 15,
};

/** Gathers events into batches and hands them on, not faster than is allowed. */
export class EventBatches {
  readonly #clock: Clock;
  readonly #options: BatchOptions;
  readonly #send: (batch: readonly AuditEvent[]) => Promise<void>;
  readonly #buffer: AuditEvent[] = [];
  #wake: () => void = () => undefined;
  #tokens: number;
  #tokensAtMs: number;

  /** @param send must not throw; several may be under way */
  constructor(clock: Clock, options: BatchOptions, send: (batch: readonly AuditEvent[]) => Promise<void>) {
    this.#clock = clock;
    this.#options = options;
    this.#send = send;
    this.#tokens = options.burst;
    this.#tokensAtMs = clock.monotonicMs();
  }

  /** False when there is no room. */
  add(event: AuditEvent): boolean {
    if (this.#buffer.length >= this.#options.bufferMax) {
      return false;
    }
    this.#buffer.push(event);
    if (this.#buffer.length >= this.#options.batchMax) {
      this.#wake();
    }
    return true;
  }

  /** Sends until `signal` fires, then once what is left, and waits for all of it. */
  async run(signal: AbortSignal): Promise<void> {
    const sending = new Set<Promise<void>>();
    const wakeUp = (): void => this.#wake();
    signal.addEventListener('abort', wakeUp);
    while (!signal.aborted) {
      await this.#untilDue();
      // What came while others were sent waits for its own time, unless it fills a batch.
      let due = this.#buffer.length;
      while (due > 0 || this.#buffer.length >= this.#options.batchMax) {
        await this.#takeToken(signal);
        due -= this.#sendNext(sending);
      }
    }
    signal.removeEventListener('abort', wakeUp);
    while (this.#buffer.length > 0) {
      this.#sendNext(sending);
    }
    await Promise.all(sending);
  }

  /** How many were sent. */
  #sendNext(sending: Set<Promise<void>>): number {
    const batch = this.#buffer.splice(0, this.#options.batchMax);
    if (batch.length > 0) {
      const sent = this.#send(batch);
      sending.add(sent);
      void sent.then(() => sending.delete(sent));
    }
    return batch.length;
  }

  /** Until a batch is full, or has waited long enough. */
  async #untilDue(): Promise<void> {
    if (this.#buffer.length >= this.#options.batchMax) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = this.#clock.schedule(this.#options.waitMs, resolve);
    await promise;
    timer.cancel();
  }

  async #takeToken(signal: AbortSignal): Promise<void> {
    const { perSecond, burst } = this.#options;
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#tokensAtMs) * perSecond) / 1000);
    this.#tokensAtMs = nowMs;
    this.#tokens -= 1;
    if (this.#tokens < 0 && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = (): void => {
        if (signal.aborted) {
          resolve();
        }
      };
      const timer = this.#clock.schedule((-this.#tokens * 1000) / perSecond, resolve);
      await promise;
      timer.cancel();
    }
  }
}
