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
  /** Bytes of the values in the events held. */
  #bytes = 0;

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
    copy.#bytes = this.#bytes;
    return copy;
  }

  push(event: StoreEvent): void {
    assert(event.revision === this.#first + this.size, 'events are pushed without gaps');
    this.#events.push(event);
    this.#bytes += valueBytes(event);
  }

  at(revision: Revision): StoreEvent | undefined {
    return revision < this.#first ? undefined : this.#events[this.#start + revision - this.#first];
  }

  /** Lets go of every event up to and including `revision`. */
  dropThrough(revision: Revision): void {
    while (this.#first <= revision && this.size > 0) {
      this.#dropOldest();
    }
    this.#reclaim();
  }

  /** Drops from the old end until at most `events` events with `bytes` bytes of values are left. */
  keepNewest(events: number, bytes: number): void {
    while (this.size > events || this.#bytes > bytes) {
      this.#dropOldest();
    }
    this.#reclaim();
  }

  #reclaim(): void {
    if (this.#start > SLACK_MIN && this.#start > this.size) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }

  #dropOldest(): void {
    this.#bytes -= valueBytes(this.#events[this.#start]);
    this.#events[this.#start] = undefined;
    this.#start += 1;
    this.#first += 1;
  }
}

function valueBytes(event: StoreEvent | undefined): number {
  const put = event?.type === 'put' ? event.kv.value.length : 0;
  return put + (event?.previous?.value.length ?? 0);
}
