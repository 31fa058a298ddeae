import type { Clock, Timer } from '#base/clock.ts';

export interface DueNamesOptions {
  readonly clock: Clock;
  /** Names worked on at the same time. */
  readonly workers: number;
  /** Delay after a first failure, in milliseconds; doubled with each further one. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  readonly onFailure: (name: string, error: unknown) => void;
}

/** Names of objects to look at: each at most once in the queue and never by two workers at once. */
export class DueNames {
  readonly #options: DueNamesOptions;
  readonly #due = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  #wake: () => void = () => undefined;

  constructor(options: DueNamesOptions) {
    this.#options = options;
  }

  /** Makes it due now, whenever it was to be so later. */
  add(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    this.#due.add(name);
    this.#wake();
  }

  /** Makes it due in `delayMs` milliseconds. */
  addLater(name: string, delayMs: number): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(
      name,
      this.#options.clock.schedule(delayMs, () => this.add(name)),
    );
  }

  /** Works off what is due until the signal fires. What `work` throws is told to `onFailure` and tried again. */
  async run(signal: AbortSignal, work: (name: string) => Promise<void>): Promise<void> {
    const wakeUp = (): void => this.#wake();
    signal.addEventListener('abort', wakeUp);
    try {
      while (!signal.aborted) {
        this.#start(work);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
      this.#timers.forEach((timer) => timer.cancel());
      await Promise.all(this.#running.values());
    }
  }

  #start(work: (name: string) => Promise<void>): void {
    for (const name of this.#due) {
      if (this.#running.size >= this.#options.workers) {
        return;
      }
      if (!this.#running.has(name)) {
        this.#due.delete(name);
        this.#running.set(name, this.#work(name, work));
      }
    }
  }

  async #work(name: string, work: (name: string) => Promise<void>): Promise<void> {
    try {
      await work(name);
      this.#failures.delete(name);
    } catch (error) {
      this.#options.onFailure(name, error);
      this.#retry(name);
    } finally {
      this.#running.delete(name);
      this.#wake();
    }
  }

  #retry(name: string): void {
    const { retryMs, retryMaxMs } = this.#options;
    const failures = this.#failures.get(name) ?? 0;
    this.#failures.set(name, failures + 1);
    this.addLater(name, Math.min(retryMs * 2 ** failures, retryMaxMs));
  }
}
