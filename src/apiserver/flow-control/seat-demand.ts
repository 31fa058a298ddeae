/** How slowly an old demand is forgotten: looked at every ten seconds, half of it is gone after five minutes. */
const SMOOTHING = 0.977;

/** Time-weighted statistics of one period, in seats. */
export interface SeatDemandStats {
  readonly highWatermark: number;
  readonly average: number;
  readonly deviation: number;
  /** Follows rises at once and falls slowly. */
  readonly smoothed: number;
}

const NONE: SeatDemandStats = { highWatermark: 0, average: 0, deviation: 0, smoothed: 0 };

/** Integrates how many seats a priority level could use, occupied and waited for, over a period. */
export class SeatDemand {
  #seats = 0;
  #highWatermark = 0;
  #sinceMs: number;
  #elapsedMs = 0;
  #area = 0;
  #areaOfSquares = 0;
  #stats = NONE;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  get stats(): SeatDemandStats {
    return this.#stats;
  }

  set(seats: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#seats = seats;
    if (seats > this.#highWatermark) {
      this.#highWatermark = seats;
    }
  }

  /** Ends the period and begins the next one. */
  next(nowMs: number): SeatDemandStats {
    this.#advance(nowMs);
    const highWatermark = this.#highWatermark;
    if (this.#elapsedMs > 0) {
      const average = this.#area / this.#elapsedMs;
      const deviation = Math.sqrt(Math.max(this.#areaOfSquares / this.#elapsedMs - average * average, 0));
      const envelope = average + deviation;
      const decayed = SMOOTHING * this.#stats.smoothed + (1 - SMOOTHING) * envelope;
      this.#stats = { highWatermark, average, deviation, smoothed: Math.max(envelope, decayed) };
    } else {
      this.#stats = { ...this.#stats, highWatermark };
    }
    this.#highWatermark = this.#seats;
    this.#elapsedMs = 0;
    this.#area = 0;
    this.#areaOfSquares = 0;
    return this.#stats;
  }

  #advance(nowMs: number): void {
    const durationMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    this.#elapsedMs += durationMs;
    this.#area += durationMs * this.#seats;
    this.#areaOfSquares += durationMs * this.#seats * this.#seats;
  }
}
