/** Background work of one pod, at most one task of each name at a time. The owner is told of every end. */
export class PodTasks {
  readonly #running = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, { count: number; notBeforeMs: number }>();
  readonly #controller = new AbortController();
  #endCount = 0;
  readonly #nowMs: () => number;
  readonly #onEnd: (name: string, error: unknown) => void;

  /** @param onEnd `error` is undefined when the task succeeded; not called after `close` */
  constructor(nowMs: () => number, onEnd: (name: string, error: unknown) => void) {
    this.#nowMs = nowMs;
    this.#onEnd = onEnd;
  }

  /** Grows with every task that ends: what was looked at before may be out of date. */
  get endCount(): number {
    return this.#endCount;
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /** When a task that failed may be run again; undefined for now. */
  blockedUntilMs(name: string): number | undefined {
    const notBeforeMs = this.#failures.get(name)?.notBeforeMs;
    return notBeforeMs !== undefined && notBeforeMs > this.#nowMs() ? notBeforeMs : undefined;
  }

  /** Starts the task, unless it runs already or failed just now. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (
      this.#running.has(name) ||
      this.#controller.signal.aborted ||
      this.blockedUntilMs(name) !== undefined
    ) {
      return;
    }
    const task = (async (): Promise<void> => {
      let failure: unknown;
      try {
        await work(this.#controller.signal);
        this.#failures.delete(name);
      } catch (error) {
        failure = error ?? new Error('failed without a reason');
        const count = (this.#failures.get(name)?.count ?? 0) + 1;
        const delayMs = Math.min(RETRY_MS_MIN * 2 ** (count - 1), RETRY_MS_MAX);
        this.#failures.set(name, { count, notBeforeMs: this.#nowMs() + delayMs });
      }
      this.#running.delete(name);
      this.#endCount += 1;
      if (!this.#controller.signal.aborted) {
        this.#onEnd(name, failure);
      }
    })();
    this.#running.set(name, task);
  }

  /** Cancels everything and waits for it. */
  async close(): Promise<void> {
    this.#controller.abort();
    await Promise.all(this.#running.values());
  }
}

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 10_000;
