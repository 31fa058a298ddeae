import { badRequest, StatusError } from '#api/status-error.ts';
import { parseDurationMs } from '#api/time.ts';
import type { Clock, Timer } from '#base/clock.ts';

interface Running extends Disposable {
  readonly dueMs: number;
  readonly onExpire: () => void;
}

/**
 * Ends requests that take too long. Most have the same time, so that they run out in the order they came and one
 * timer does for all; those that ask for less have one of their own.
 */
export class RequestDeadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #running = new Set<Running>();
  readonly #own = new Set<Timer>();
  #timer: Timer | undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Calls `onExpire` once the request's time is over, unless the handle was disposed of by then.
   *
   * @param asked the `timeout` of the query; empty for the server's own
   * @throws {StatusError} BadRequest when that is no duration
   */
  start(asked: string, onExpire: () => void): Disposable {
    const askedMs = asked === '' ? 0 : parseDurationMs(asked);
    if (askedMs === undefined) {
      throw badRequest(
        `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(asked)}`,
      );
    }
    return askedMs > 0 && askedMs < this.#timeoutMs
      ? this.#startOwn(askedMs, onExpire)
      : this.#startUsual(onExpire);
  }

  close(): void {
    this.#timer?.cancel();
    this.#own.forEach((timer) => timer.cancel());
    this.#own.clear();
    this.#running.clear();
  }

  #startOwn(timeoutMs: number, onExpire: () => void): Disposable {
    const timer = this.#clock.schedule(timeoutMs, () => {
      this.#own.delete(timer);
      onExpire();
    });
    this.#own.add(timer);
    return {
      [Symbol.dispose]: () => {
        timer.cancel();
        this.#own.delete(timer);
      },
    };
  }

  #startUsual(onExpire: () => void): Disposable {
    const running: Running = {
      dueMs: this.#clock.monotonicMs() + this.#timeoutMs,
      onExpire,
      [Symbol.dispose]: () => this.#running.delete(running),
    };
    this.#running.add(running);
    this.#timer ??= this.#clock.schedule(this.#timeoutMs, () => this.#expire());
    return running;
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const running of this.#running) {
      if (running.dueMs > nowMs) {
        this.#timer = this.#clock.schedule(running.dueMs - nowMs, () => this.#expire());
        return;
      }
      this.#running.delete(running);
      running.onExpire();
    }
  }
}

/** What a request is answered with whose time is over. */
export function requestTimeout(): StatusError {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: 'Timeout: request did not complete within the allotted timeout',
    details: {},
  });
}
