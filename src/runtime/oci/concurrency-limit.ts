import { assert } from '#base/assert.ts';

/** Lets so many actions run at once; the others wait their turn, first come, first served. */
export class ConcurrencyLimit {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    assert(limit >= 1, 'nothing would ever run');
    this.#free = limit;
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn.resolve);
      await turn.promise;
    }
    try {
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#free += 1;
      } else {
        next();
      }
    }
  }
}

/** Runs actions of the same key one after the other, and actions of different keys at the same time. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const done = Promise.withResolvers<void>();
    this.#last.set(key, done.promise);
    try {
      await before;
      return await action();
    } finally {
      done.resolve();
      if (this.#last.get(key) === done.promise) {
        this.#last.delete(key);
      }
    }
  }
}
