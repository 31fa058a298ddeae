import { setTimeout as sleepFor } from 'node:timers/promises';

/** A pending callback. Cancelling a fired or cancelled timer does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time and of delays. Everything that waits goes through one, so that a test can
 * replace the wall clock by a {@link VirtualClock} and let a day pass in milliseconds.
 */
export interface Clock {
  /** Wall time, milliseconds since the Unix epoch. May jump; use it for what is written down only. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never goes backwards. Use it for durations and deadlines. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs` (at least 0; at most 2^31-1, longer is cut to that). */
  schedule(delayMs: number, callback: () => void): Timer;
  /**
   * Resolves after `delayMs`.
   *
   * @throws {Error} named `AbortError` when `signal` fires first
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Node cuts longer delays to 1 ms, which would turn "far away" into "now". */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** The machine's own clock. Timers do not keep the process alive on their own only if `unref` is set. */
export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX));
    return { cancel: () => clearTimeout(timer) };
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    await sleepFor(Math.min(Math.max(delayMs, 0), DELAY_MS_MAX), undefined, { signal });
  }
}
