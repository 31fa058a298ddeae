import type { Logger } from './log.ts';

/**
 * Owns background work: every promise nobody awaits is spawned here, and `close` ends them all.
 *
 * A task that throws after the group was closed is taken for cancelled. One that throws before is
 * reported to `onFailure`, because a loop that died silently is the worst kind of outage.
 */
export class TaskGroup implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (name: string, error: unknown) => void;

  constructor(onFailure: (name: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** A group that logs failures as errors. */
  static logging(log: Logger): TaskGroup {
    return new TaskGroup((name, error) => log.error('background task failed', { task: name, error }));
  }

  /** Fires when the group closes. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Number of tasks that have not ended. */
  get size(): number {
    return this.#running.size;
  }

  /** Starts `run` at once. Its signal fires on `close`; it must end soon after. */
  spawn(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    if (this.signal.aborted) {
      return;
    }
    const task = (async (): Promise<void> => {
      try {
        await run(this.signal);
      } catch (error) {
        if (!this.signal.aborted) {
          this.#onFailure(name, error);
        }
      }
    })();
    this.#running.add(task);
    void task.then(() => this.#running.delete(task));
  }

  /** Cancels all tasks and waits until each has ended. Safe to call twice. */
  async close(): Promise<void> {
    this.#controller.abort();
    await Promise.all(this.#running);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
