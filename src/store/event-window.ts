import { assert } from '#base/assert.ts';
import type { Revision, StoreEvent } from './store.ts';

/** Dropped slots that may pile up at the front before the array is cut; keeps dropping O(1) on average. */
const SLACK_MIN = 1_024;

/**
 * The newest changes as ready event objects, one per revision without gaps. Watchers that catch up
 * inside the window get the very objects the live ones got.
 */
export class EventWindow {
  #events: (StoreEvent | undefined)[] = [];
  /** Index of the oldest event still held. */
  #start = 0;
  /** Revision of the oldest event held, or of the next one when empty. */
  #first: Revision;

  constructor(first: Revision) {
    this.#first = first;
  }

  /** The revision of the oldest event held; one past the newest when there is none. */
  get first(): Revision {
    return this.#first;
  }

  get size(): number {
    return this.#events.length - this.#start;
  }

  fork(): EventWindow {
    const copy = new EventWindow(this.#first);
    copy.#events = this.#events.slice(this.#start);
    return copy;
  }

  push(event: StoreEvent): void {
    assert(event.revision === this.#first + this.size, 'events are pushed without gaps');
    this.#events.push(event);
  }

  at(revision: Revision): StoreEvent | undefined {
    return revision < this.#first ? undefined : this.#events[this.#start + revision - this.#first];
  }

  /** Lets go of every event up to and including `revision`. */
  dropThrough(revision: Revision): void {
    const count = Math.min(Math.max(revision - this.#first + 1, 0), this.size);
    this.#events.fill(undefined, this.#start, this.#start + count);
    this.#start += count;
    this.#first += count;
    if (this.#start > SLACK_MIN && this.#start > this.size) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Drops from the old end until at most `max` events are left. */
  keepNewest(max: number): void {
    if (this.size > max) {
      this.dropThrough(this.#first + this.size - max - 1);
    }
  }
}
