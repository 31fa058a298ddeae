import type { Clock } from '#base/clock.ts';

/** Seats that may be taken before the event loop has to turn, however long that takes. */
const SEATS_PER_TURN = 8;

export interface LoopPacerDeps {
  readonly clock: Clock;
  readonly onNextTurn: (callback: () => void) => void;
  /** Requests that were just read start beyond the seats of a turn too while it is no older than this. */
  readonly turnMs: number;
  /** Is told in every turn when work that was held may start. */
  readonly onOpen: () => void;
}

/**
 * Lets only so much work start before the event loop looks at the network again.
 *
 * Most requests are served without waiting for anything, one after the other in the order they were read, so
 * that seats alone would never run out: a client that has hundreds of requests in one read would have them all
 * served first. With the pacer those that have not started after a moment stay in their fair queues, and the next
 * turn picks among them and whatever else has come by then. Cheap requests hardly notice: dozens of them fit into
 * that moment.
 */
export class LoopPacer {
  readonly #deps: LoopPacerDeps;
  #left = SEATS_PER_TURN;
  #turnStartMs = 0;
  #isInTurn = false;

  constructor(deps: LoopPacerDeps) {
    this.#deps = deps;
  }

  /** Whether work that waits in a queue may start. */
  get isOpen(): boolean {
    return this.#left > 0;
  }

  /** Whether a request that has just been read may start, if nobody waits before it. */
  get isOpenForArrivals(): boolean {
    const { clock, turnMs } = this.#deps;
    return this.isOpen || clock.monotonicMs() - this.#turnStartMs < turnMs;
  }

  /** Counts work that starts. The wide may overdraw, so that they get a turn at all. */
  take(seats: number): void {
    if (!this.#isInTurn) {
      this.#isInTurn = true;
      this.#turnStartMs = this.#deps.clock.monotonicMs();
      this.#deps.onNextTurn(() => {
        this.#isInTurn = false;
        this.#left = SEATS_PER_TURN;
        this.#deps.onOpen();
      });
    }
    this.#left -= seats;
  }
}
