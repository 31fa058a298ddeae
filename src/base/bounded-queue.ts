import { assert } from './assert.ts';

/**
 * A first-in first-out queue between one or more producers and one consumer.
 *
 * `offer` never waits: at the bound it refuses, and the producer decides what that means (drop the
 * watcher, answer 429, read again later). `close` lets the consumer take what is left and then end.
 */
export class BoundedQueue<T> {
  readonly #limit: number;
  #items: T[] = [];
  #isClosed = false;
  #wake: (() => void) | undefined;

  /** @param limit most items held at once; at least 1 */
  constructor(limit: number) {
    assert(limit >= 1, 'a queue needs room for one item');
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Adds an item; false when the queue is full or closed, and then nothing was added. */
  offer(item: T): boolean {
    if (this.#isClosed || this.#items.length >= this.#limit) {
      return false;
    }
    this.#items.push(item);
    this.#signal();
    return true;
  }

  /** Waits until there is something, then takes everything. Undefined once closed and empty. */
  async takeAll(): Promise<T[] | undefined> {
    while (this.#items.length === 0) {
      if (this.#isClosed) {
        return undefined;
      }
      assert(this.#wake === undefined, 'a bounded queue has one consumer');
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const taken = this.#items;
    this.#items = [];
    return taken;
  }

  /** Refuses further items and wakes the consumer. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    this.#signal();
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
