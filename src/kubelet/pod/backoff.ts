import type { Clock } from '#base/clock.ts';
import { formatDurationNanos } from '#api/time.ts';

export const BACKOFF_INITIAL_MS = 10_000;
export const BACKOFF_MAX_MS = 300_000;

interface Entry {
  delayMs: number;
  lastUpdateMs: number;
}

/**
 * Delays that double from 10 s to 5 min per key, and start over once nothing went wrong for 10 minutes.
 * The first failure of a key is free: what failed once is tried again at once.
 */
export class Backoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * When what failed at `failedAtMs` may be tried again; undefined for now.
   * Times are wall times, since failures of containers are told in them.
   */
  blockedUntilMs(key: string, failedAtMs: number): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || isStale(entry, failedAtMs)) {
      return undefined;
    }
    const untilMs = failedAtMs + entry.delayMs;
    return untilMs > this.#clock.nowMs() ? untilMs : undefined;
  }

  /** Notes that what failed at `failedAtMs` is now tried again; the next failure waits longer. */
  next(key: string, failedAtMs: number): void {
    const entry = this.#entries.get(key);
    const delayMs =
      entry === undefined || isStale(entry, failedAtMs)
        ? BACKOFF_INITIAL_MS
        : Math.min(entry.delayMs * 2, BACKOFF_MAX_MS);
    this.#entries.set(key, { delayMs, lastUpdateMs: this.#clock.nowMs() });
  }

  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Forgets every key that begins so. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) {
      if (key.startsWith(prefix)) {
        this.#entries.delete(key);
      }
    }
  }
}

function isStale({ lastUpdateMs }: Entry, failedAtMs: number): boolean {
  return failedAtMs - lastUpdateMs > 2 * BACKOFF_MAX_MS;
}

/** `10s`, `1m20s`, `5m0s`: as Go prints durations. */
export function durationText(ms: number): string {
  return formatDurationNanos(BigInt(Math.round(ms)) * 1_000_000n);
}
