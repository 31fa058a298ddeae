import { RecentMap } from '#base/recent-map.ts';

/** One thing that happened, as a component reported it. */
export interface Observation {
  /** Who reports: component and host. */
  readonly source: string;
  /** The object it is about, down to the field path. */
  readonly subject: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** The Event that stands for a series of alike observations. */
export interface EventSeriesState {
  readonly name: string;
  readonly firstMs: number;
  readonly count: number;
}

export type Correlation =
  | { readonly kind: 'drop' }
  | { readonly kind: 'create'; readonly series: EventSeriesState; readonly message: string }
  | { readonly kind: 'countUp'; readonly series: EventSeriesState; readonly message: string };

/** Entries kept by each of the three memories. */
const MEMORY_MAX = 4096;
/** So many different messages of one reason on one object within the window are told apart; further ones are combined. */
const ALIKE_MAX = 10;
const ALIKE_WINDOW_MS = 600_000;
/** Events one source may write about one object: so many at once, then one in five minutes. */
const SPAM_BURST = 25;
const SPAM_INTERVAL_MS = 300_000;

/**
 * Decides which Event an observation is written on. The same observation counts up; too many that differ
 * only in their message are combined into one; a source that floods an object is dropped.
 */
export class EventCorrelator {
  readonly #alike = new RecentMap<string, { messages: Set<string>; lastMs: number }>(MEMORY_MAX);
  readonly #series = new RecentMap<string, EventSeriesState>(MEMORY_MAX);
  /** When the next token of a source and subject falls due, as in a token bucket. */
  readonly #spam = new RecentMap<string, number>(MEMORY_MAX);

  /** @param name the name a new Event gets, should one be needed */
  correlate(observation: Observation, name: string, nowMs: number): Correlation {
    const { source, subject, type, reason } = observation;
    const group = [source, subject, type, reason].join('\0');
    const isCombined = this.#isOneOfTooMany(group, observation.message, nowMs);
    const message = isCombined
      ? `(combined from similar events): ${observation.message}`
      : observation.message;
    const key = isCombined ? group : `${group}\0${observation.message}`;
    const known = this.#series.get(key);
    const series =
      known === undefined ? { name, firstMs: nowMs, count: 1 } : { ...known, count: known.count + 1 };
    this.#series.set(key, series);
    if (!this.#hasToken(`${source}\0${subject}`, nowMs)) {
      return { kind: 'drop' };
    }
    return { kind: known === undefined ? 'create' : 'countUp', series, message };
  }

  #isOneOfTooMany(group: string, message: string, nowMs: number): boolean {
    const known = this.#alike.get(group);
    const isFresh = known !== undefined && nowMs - known.lastMs <= ALIKE_WINDOW_MS;
    const messages = isFresh ? known.messages : new Set<string>();
    messages.add(message);
    this.#alike.set(group, { messages, lastMs: nowMs });
    if (messages.size < ALIKE_MAX) {
      return false;
    }
    // Keeps the set at its bound; which message leaves does not matter.
    const [oldest = ''] = messages;
    messages.delete(oldest);
    return true;
  }

  #hasToken(key: string, nowMs: number): boolean {
    const dueMs =
      Math.max(this.#spam.get(key) ?? -Infinity, nowMs - SPAM_BURST * SPAM_INTERVAL_MS) + SPAM_INTERVAL_MS;
    if (dueMs > nowMs) {
      return false;
    }
    this.#spam.set(key, dueMs);
    return true;
  }
}
