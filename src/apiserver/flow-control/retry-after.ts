/** Seconds; longer would keep clients away after the overload is over. */
const RETRY_AFTER_MAX = 32;

/**
 * How long those that were refused are asked to stay away: a second, twice as long while three refusals for each
 * of those seconds still come, and a second less whenever they get fewer than one.
 */
export class RetryAfter {
  #seconds = 1;
  #raisedAt = 0;
  #now = 0;
  #count = 0;
  /** Refusals by second, oldest first; no more than {@link RETRY_AFTER_MAX} seconds are of use. */
  #history: { readonly second: number; readonly count: number }[] = [];

  /** Counts a refusal and returns the seconds to tell the client. */
  refuse(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    if (second === this.#now) {
      this.#count += 1;
      return this.#seconds;
    }
    this.#history.push({ second: this.#now, count: this.#count });
    const reach = Math.min(2 * this.#seconds, RETRY_AFTER_MAX);
    this.#history = this.#history.filter((each) => this.#now - each.second <= reach);
    this.#now = second;
    this.#count = 1;
    this.#adjust(second);
    return this.#seconds;
  }

  #adjust(now: number): void {
    const refused = this.#history
      .filter(({ second }) => now - second <= this.#seconds)
      .reduce((sum, { count }) => sum + count, 0);
    if (now - this.#raisedAt >= this.#seconds && refused >= 3 * this.#seconds) {
      this.#seconds = Math.min(this.#seconds * 2, RETRY_AFTER_MAX);
      this.#raisedAt = now;
    } else if (refused < this.#seconds && this.#seconds > 1) {
      this.#seconds -= 1;
    }
  }
}
