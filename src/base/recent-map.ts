import { assert } from './assert.ts';

/** A map that holds a bounded number of entries and forgets those that were not used for longest. */
export class RecentMap<K, V> {
  readonly #limit: number;
  /** In order of use: a Map keeps the order in which keys were set. */
  readonly #entries = new Map<K, V>();

  constructor(limit: number) {
    assert(limit >= 1, 'a cache has room for one entry');
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as K);
    }
  }
}
