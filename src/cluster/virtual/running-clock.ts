import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { TestCluster } from '#testing/test-cluster.ts';

/** How often running time is carried over. */
const STEP_MS = 10;

/** Moves a cluster's clock, one mover at a time: told to, or along with the machine's clock at some rate. */
export class RunningClock implements AsyncDisposable {
  readonly #cluster: TestCluster;
  readonly #realClock: Clock;
  readonly #tasks: TaskGroup;
  #rate = 0;
  #isRunning = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(cluster: TestCluster, realClock: Clock, log: Logger) {
    this.#cluster = cluster;
    this.#realClock = realClock;
    this.#tasks = TaskGroup.logging(log);
  }

  /** Seconds of the cluster that pass in a second; 0 while its time stands still. */
  get rate(): number {
    return this.#rate;
  }

  /** Does something that moves the clock or needs it not to move, after whatever is doing so now. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    // Whoever asked hears of failures; the next one is not concerned.
    this.#last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  run(rate: number): void {
    this.#rate = rate;
    if (rate > 0 && !this.#isRunning) {
      this.#isRunning = true;
      this.#tasks.spawn('clock', (signal) => this.#follow(signal));
    }
  }

  close(): Promise<void> {
    this.#rate = 0;
    return this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let sinceMs = this.#realClock.monotonicMs();
    while (this.#rate > 0) {
      await this.#realClock.sleep(STEP_MS, signal);
      const nowMs = this.#realClock.monotonicMs();
      const milliseconds = (nowMs - sinceMs) * this.#rate;
      sinceMs = nowMs;
      await this.exclusively(() => this.#cluster.clock.advance({ milliseconds }));
    }
    this.#isRunning = false;
  }
}
