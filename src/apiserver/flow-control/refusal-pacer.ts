import type { Clock, Timer } from '#base/clock.ts';

/** Refusals answered at once when there were none for a while. */
const BURST = 20;
/** Refusals a second after those. */
const PER_SECOND = 200;
/** Refusals that wait to be answered; more are answered at once. */
const WAITING_MAX = 2_000;

/**
 * Spreads refusals out. Clients that were turned away together come back together after the same second, and a
 * crowd of them takes the event loop as long to turn away again as it would to serve somebody else; those that
 * ask again at once are slowed down.
 */
export class RefusalPacer {
  readonly #clock: Clock;
  readonly #waiting = new Map<Timer, () => void>();
  /** When the next refusal would be due if the burst were used up; may lie in the past. */
  #dueMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many refusals have not been answered yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Undefined to refuse at once, or a promise for when to. */
  next(): Promise<void> | undefined {
    const nowMs = this.#clock.monotonicMs();
    const spacingMs = 1000 / PER_SECOND;
    this.#dueMs = Math.max(this.#dueMs, nowMs - BURST * spacingMs) + spacingMs;
    const delayMs = this.#dueMs - nowMs;
    if (delayMs <= 0 || this.#waiting.size >= WAITING_MAX) {
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.schedule(delayMs, () => {
      this.#waiting.delete(timer);
      resolve();
    });
    this.#waiting.set(timer, resolve);
    return promise;
  }

  /** Lets everybody go. */
  close(): void {
    for (const [timer, resolve] of this.#waiting) {
      timer.cancel();
      resolve();
    }
    this.#waiting.clear();
  }
}
