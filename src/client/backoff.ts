import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';

export interface BackoffOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly initialMs: number;
  readonly maxMs: number;
  /** Without a failure for this long, the next one starts from `initialMs` again. */
  readonly resetMs: number;
}

/** Delays that double with each failure, up to a bound, each stretched by up to as much again by chance. */
export class Backoff {
  readonly #options: BackoffOptions;
  #delayMs: number;
  #lastMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#delayMs = options.initialMs;
    this.#lastMs = options.clock.monotonicMs();
  }

  /** The delay to wait after a failure now. */
  nextMs(): number {
    const { clock, random, initialMs, maxMs, resetMs } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastMs > resetMs) {
      this.#delayMs = initialMs;
    }
    this.#lastMs = nowMs;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, maxMs);
    return delayMs * (1 + random.float());
  }

  reset(): void {
    this.#delayMs = this.#options.initialMs;
  }
}
