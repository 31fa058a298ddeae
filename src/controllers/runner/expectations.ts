import type { Clock } from '#base/clock.ts';

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

/** Writes that never show up (lost, or undone by others at once) block a controller no longer than this. */
const TIMEOUT_MS = 300_000;

/**
 * What a controller wrote and its local copy has not shown yet. Until then the copy is known to be old, and
 * acting on it would create or delete twice.
 */
export class Expectations {
  readonly #clock: Clock;
  /** One entry for each key that is waiting, dropped when it is satisfied. */
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expectCreations(key: string, count: number): void {
    if (count > 0) {
      this.#entry(key).creations += count;
    }
  }

  /** @param objects keys or UIDs of the objects being deleted, as later given to {@link deletionObserved} */
  expectDeletions(key: string, objects: readonly string[]): void {
    for (const object of objects) {
      this.#entry(key).deletions.add(object);
    }
  }

  /** A creation showed up, or will never because it failed. */
  creationObserved(key: string, count = 1): void {
    const expected = this.#expected.get(key);
    if (expected !== undefined) {
      expected.creations -= count;
      this.#dropIfSatisfied(key, expected);
    }
  }

  deletionObserved(key: string, object: string): void {
    const expected = this.#expected.get(key);
    if (expected?.deletions.delete(object) === true) {
      this.#dropIfSatisfied(key, expected);
    }
  }

  /** True when the local copy shows all that was written for `key`, or waiting for it has taken too long. */
  isSettled(key: string): boolean {
    const expected = this.#expected.get(key);
    if (expected !== undefined && this.#clock.monotonicMs() - expected.sinceMs > TIMEOUT_MS) {
      this.#expected.delete(key);
      return true;
    }
    return expected === undefined;
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }

  #entry(key: string): Expected {
    const expected = this.#expected.get(key) ?? {
      creations: 0,
      deletions: new Set(),
      sinceMs: this.#clock.monotonicMs(),
    };
    this.#expected.set(key, expected);
    return expected;
  }

  #dropIfSatisfied(key: string, expected: Expected): void {
    if (expected.creations <= 0 && expected.deletions.size === 0) {
      this.#expected.delete(key);
    }
  }
}
