import { defined } from '#base/assert.ts';
import type { EventWindow } from './event-window.ts';
import type { Journal, LogHeader, LogPage } from './journal.ts';
import type { KeyValue, Revision, StoreEvent } from './store.ts';

/** The revision of the first write of an empty store, as in etcd. */
export const FIRST_REVISION = 2;

/** Changes a lagging watcher looks at before others get a turn. */
const PAGE_MAX = 1_000;

/** All changes that are not compacted: the newest as ready events on the heap, the others in the journal. */
export class ChangeLog {
  readonly #window: EventWindow;
  readonly #journal: Journal;

  constructor(window: EventWindow, journal: Journal) {
    this.#window = window;
    this.#journal = journal;
  }

  /** Whether every change after `revision` is on the heap. */
  isRecent(revision: Revision): boolean {
    return Math.max(revision + 1, FIRST_REVISION) >= this.#window.first;
  }

  push(event: StoreEvent): void {
    this.#window.push(event);
  }

  /** The entry written at `revision`, when it is on the heap. */
  recentEntry(revision: Revision): KeyValue | undefined {
    const event = this.#window.at(revision);
    return event?.type === 'put' ? event.kv : undefined;
  }

  /** Leaves to the journal what the heap has no room for. */
  trimWindow(): void {
    this.#window.keepNewest(this.#journal.recentEventsMax, this.#journal.recentBytesMax);
  }

  /** The changes after `after` up to `until`, all of which are on the heap. */
  *recent(after: Revision, until: Revision): Generator<StoreEvent, undefined> {
    for (let revision = Math.max(after + 1, FIRST_REVISION); revision <= until; revision++) {
      yield defined(this.#window.at(revision), 'a committed event in the window');
    }
  }

  /** The next stretch after `after` below `prefix`, at most up to `newest`. */
  page(prefix: string, after: Revision, newest: Revision): LogPage {
    const until = Math.min(Math.max(after + 1, FIRST_REVISION) + PAGE_MAX - 1, newest);
    if (!this.isRecent(after)) {
      return this.#journal.readLog(prefix, after, Math.min(until, this.#window.first - 1));
    }
    const events = [];
    for (const event of this.recent(after, until)) {
      if (event.key.startsWith(prefix)) {
        events.push(event);
      }
    }
    return { events, revision: until };
  }

  /** What compaction has to know of the changes after `after` up to `until`. */
  headers(after: Revision, until: Revision): readonly LogHeader[] {
    return this.isRecent(after)
      ? Array.from(this.recent(after, until), headerOf)
      : this.#journal.headers(after, until);
  }

  /** Lets go of compacted changes. */
  drop(until: Revision): void {
    this.#window.dropThrough(until);
  }
}

function headerOf({ revision, key, type, previous }: StoreEvent): LogHeader {
  return { revision, key, isDelete: type === 'delete', replaced: previous?.modRevision ?? 0 };
}
