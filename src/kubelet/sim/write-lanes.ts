import type { TaskGroup } from '#base/task-group.ts';

/** Writes under way at once: enough to fill a commit, few enough to leave the server to others. */
const LANES_MAX = 64;

type Write = (signal: AbortSignal) => Promise<void>;

/**
 * Sends writes with bounded concurrency, in the order they came. One waiting write per key: a later one
 * takes its place. The number of keys bounds what can wait.
 */
export class WriteLanes {
  readonly #tasks: TaskGroup;
  readonly #waiting = new Map<string, Write>();
  readonly #busy = new Set<string>();
  #lanes = 0;

  constructor(tasks: TaskGroup) {
    this.#tasks = tasks;
  }

  /** `write` handles its own errors. */
  send(key: string, write: Write): void {
    this.#waiting.set(key, write);
    if (this.#lanes < LANES_MAX) {
      this.#lanes += 1;
      this.#tasks.spawn('sim writes', (signal) => this.#drain(signal));
    }
  }

  get isIdle(): boolean {
    return this.#lanes === 0;
  }

  async #drain(signal: AbortSignal): Promise<void> {
    try {
      for (let next = this.#take(); next !== undefined && !signal.aborted; next = this.#take()) {
        const [key, write] = next;
        this.#busy.add(key);
        try {
          await write(signal);
        } finally {
          this.#busy.delete(key);
        }
      }
    } finally {
      this.#lanes -= 1;
    }
  }

  /** The first write whose key has none under way. */
  #take(): readonly [string, Write] | undefined {
    for (const [key, write] of this.#waiting) {
      if (!this.#busy.has(key)) {
        this.#waiting.delete(key);
        return [key, write];
      }
    }
    return undefined;
  }
}
