import type { Clock } from '#base/clock.ts';
import { RecentMap } from '#base/recent-map.ts';

/** A bounded map whose entries are good for a while only. */
export class ExpiringMap<V> {
  readonly #clock: Clock;
  readonly #entries: RecentMap<string, { readonly value: V; readonly untilMs: number }>;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#entries = new RecentMap(limit);
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#clock.monotonicMs() < entry.untilMs ? entry.value : undefined;
  }

  /** @param ttlMs 0 keeps nothing */
  set(key: string, value: V, ttlMs: number): void {
    if (ttlMs > 0) {
      this.#entries.set(key, { value, untilMs: this.#clock.monotonicMs() + ttlMs });
    }
  }
}
