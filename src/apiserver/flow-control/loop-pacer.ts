/** Seats that may be taken before the event loop has to turn. */
const SEATS_PER_TURN = 8;

/**
 * Lets only so much work start before the event loop looks at the network again.
 *
 * Most requests are served without waiting for anything, one after the other in the order they were read, so
 * that seats alone would never run out: a client that has hundreds of requests in one read would have them all
 * served first. With the pacer those beyond a few stay in their fair queues, and the next turn picks among them
 * and whatever else has come by then. It costs one look at the loop for every eight requests.
 */
export class LoopPacer {
  readonly #onNextTurn: (callback: () => void) => void;
  readonly #onOpen: () => void;
  #left = SEATS_PER_TURN;

  /** @param onOpen is told when work that was held may start */
  constructor(onNextTurn: (callback: () => void) => void, onOpen: () => void) {
    this.#onNextTurn = onNextTurn;
    this.#onOpen = onOpen;
  }

  get isOpen(): boolean {
    return this.#left > 0;
  }

  /** Counts work that starts. The wide may overdraw, so that they get a turn at all. */
  take(seats: number): void {
    const wasOpen = this.isOpen;
    this.#left -= seats;
    if (wasOpen && !this.isOpen) {
      this.#onNextTurn(() => {
        this.#left = SEATS_PER_TURN;
        this.#onOpen();
      });
    }
  }
}
