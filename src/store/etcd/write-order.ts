/**
 * Keeps the writes of this process to one key in the order in which they were asked for: each waits for
 * the answer to the one before it. Writes to different keys do not wait for each other.
 */
export class WriteOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(key: string, write: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const own = before === undefined ? write() : before.then(write, write);
    this.#last.set(key, own);
    try {
      return await own;
    } finally {
      if (this.#last.get(key) === own) {
        this.#last.delete(key);
      }
    }
  }

  /** Waits until nothing is under way. */
  async settle(): Promise<void> {
    while (this.#last.size > 0) {
      await Promise.allSettled(this.#last.values());
    }
  }
}
