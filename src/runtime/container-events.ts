import type { Clock } from '#base/clock.ts';
import { BoundedQueue } from '#base/bounded-queue.ts';
import type { ContainerChange, ContainerEvent } from './cri.ts';

/** Events one consumer may be behind before it has to list everything anew. */
const EVENTS_BEHIND_MAX = 10_000;

interface Subscriber {
  readonly queue: BoundedQueue<ContainerEvent>;
  hasLost: boolean;
}

/** Hands each container event to every subscriber, each at its own speed. */
export class ContainerEventHub {
  readonly #clock: Clock;
  readonly #subscribers = new Set<Subscriber>();
  readonly #listeners: ((change: ContainerChange) => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onChange` with every event, at once, for as long as the hub lives. */
  listen(onChange: (change: ContainerChange) => void): void {
    this.#listeners.push(onChange);
  }

  publish(change: ContainerChange): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
    for (const subscriber of this.#subscribers) {
      if (!subscriber.queue.offer(change)) {
        subscriber.hasLost = true;
      }
    }
  }

  /** Subscribes at the moment of the call, not of the first read: nothing falls between the two. */
  subscribe(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    const subscriber: Subscriber = { queue: new BoundedQueue(EVENTS_BEHIND_MAX), hasLost: false };
    this.#subscribers.add(subscriber);
    const onAbort = (): void => {
      this.#subscribers.delete(subscriber);
      subscriber.queue.close();
    };
    if (signal.aborted) {
      onAbort();
    } else {
      signal.addEventListener('abort', onAbort, { once: true });
    }
    return this.#read(subscriber, signal);
  }

  /** Ends every subscription. */
  close(): void {
    for (const subscriber of this.#subscribers) {
      subscriber.queue.close();
    }
    this.#subscribers.clear();
  }

  async *#read(subscriber: Subscriber, signal: AbortSignal): AsyncGenerator<ContainerEvent> {
    try {
      for (;;) {
        const events = await subscriber.queue.takeAll();
        if (events === undefined || signal.aborted) {
          return;
        }
        yield* events;
        if (subscriber.hasLost) {
          subscriber.hasLost = false;
          yield { type: 'overflow', atMs: this.#clock.nowMs() };
        }
      }
    } finally {
      this.#subscribers.delete(subscriber);
      subscriber.queue.close();
    }
  }
}
