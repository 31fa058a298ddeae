import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { nextTurn } from '#base/next-turn.ts';
import { rangeOf } from '../key-history.ts';
import { CompactedError } from '../store.ts';
import { watchStream } from './watch-stream.ts';
import type { LogPage } from '../journal.ts';
import type { Revision, StoreEvent } from '../store.ts';
import type { WatchSource } from '../watch-hub.ts';
import type { EtcdChannel } from './etcd-channel.ts';

/** Newest changes kept for watchers that start a little behind; older ones are asked of etcd again. */
const KEPT_EVENTS_MAX = 20_000;
const KEPT_BYTES_MAX = 64 * 1024 * 1024;
/** Changes a lagging watcher looks at before others get a turn. */
const PAGE_MAX = 1_000;
/** As {@link PAGE_MAX}, where each page costs a stream of its own. */
const OLD_PAGE_MAX = 10_000;
const RESTART_MS = 100;

const EVERYTHING = rangeOf('');

export interface EtcdFeedDeps {
  readonly channel: EtcdChannel;
  readonly clock: Clock;
  readonly log?: Logger | undefined;
  /** New changes, after the feed's own revision has moved. */
  readonly onEvents: (events: readonly StoreEvent[], revision: Revision) => void;
  /** Changes were missed: whoever lives on {@link onEvents} has to read the log instead. */
  readonly onGap: () => void;
}

/**
 * The one watch of this process on etcd: every change of every key, in order. Each revision has a change,
 * so the feed always knows exactly how far it is, without asking etcd for progress (which older servers
 * report too early). All watchers here live on it; etcd sees one watcher for each API server.
 */
export class EtcdFeed implements WatchSource {
  readonly #deps: EtcdFeedDeps;
  readonly #waiting = new Set<() => void>();
  #events: StoreEvent[] = [];
  #bytes = 0;
  /** Every change after this revision is in `#events`. */
  #since: Revision;
  #committed: Revision;
  #compacted: Revision = 0;

  /** @param revision the newest revision at the start */
  constructor(deps: EtcdFeedDeps, revision: Revision) {
    this.#deps = deps;
    this.#committed = revision;
    // The first revision of an empty etcd has no change that a reader of the log could wait for.
    this.#since = revision === 1 ? 0 : revision;
  }

  /** How far this process has seen. */
  get committedRevision(): Revision {
    return this.#committed;
  }

  /** The newest compaction known here; etcd may know a newer one. */
  get compactedRevision(): Revision {
    return this.#compacted;
  }

  noteCompacted(revision: Revision): void {
    this.#compacted = Math.max(this.#compacted, revision);
  }

  /** Follows etcd until `signal` fires, through broken streams and other members. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { channel } = this.#deps;
        for await (const { events } of watchStream(channel, EVERYTHING, this.#committed + 1, signal)) {
          this.#take(events);
        }
      } catch (error) {
        if (error instanceof CompactedError) {
          this.#skipTo(error.compactedRevision);
        } else {
          this.#deps.log?.warn('etcd watch broke, starting again', { error });
        }
      }
      if (!signal.aborted) {
        await this.#deps.clock.sleep(RESTART_MS, signal);
      }
    }
  }

  /** Waits until everything up to `revision`, which has happened, was seen here; or until `signal` fires. */
  async reached(revision: Revision, signal: AbortSignal): Promise<void> {
    while (this.#committed < revision && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  readLog(prefix: string, after: Revision): LogPage | Promise<LogPage> {
    return after >= this.#since ? this.#readKept(prefix, after) : this.#readOld(prefix, after);
  }

  #take(events: readonly StoreEvent[]): void {
    const fresh = events.filter(({ revision }) => revision > this.#committed);
    const last = fresh.at(-1);
    if (last === undefined) {
      return;
    }
    for (const event of fresh) {
      this.#events.push(event);
      this.#bytes += bytesOf(event);
    }
    this.#committed = last.revision;
    if (this.#events.length > KEPT_EVENTS_MAX || this.#bytes > KEPT_BYTES_MAX) {
      this.#dropOldest();
    }
    this.#deps.onEvents(fresh, last.revision);
    this.#wake();
  }

  /** Goes on after a compaction that overtook the feed; watchers find out when they read the log. */
  #skipTo(compacted: Revision): void {
    this.#compacted = compacted;
    this.#committed = compacted;
    this.#since = compacted;
    this.#events = [];
    this.#bytes = 0;
    this.#deps.onGap();
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) {
      resolve();
    }
  }

  /** Half of what is kept at once, so that dropping costs little on average. Never splits a revision. */
  #dropOldest(): void {
    let cut = Math.floor(this.#events.length / 2);
    const edge = this.#events[cut]?.revision ?? this.#committed;
    while (cut < this.#events.length && this.#events[cut]?.revision === edge) {
      cut += 1;
    }
    this.#events = this.#events.slice(cut);
    this.#since = edge;
    this.#bytes = this.#events.reduce((sum, event) => sum + bytesOf(event), 0);
  }

  #readKept(prefix: string, after: Revision): LogPage {
    const events: StoreEvent[] = [];
    let seen = 0;
    let revision = after;
    for (let index = this.#indexAfter(after); index < this.#events.length; index++) {
      const event = this.#events[index];
      if (event === undefined || (seen >= PAGE_MAX && event.revision !== revision)) {
        return { events, revision };
      }
      seen += 1;
      revision = event.revision;
      if (event.key.startsWith(prefix)) {
        events.push(event);
      }
    }
    return { events, revision: this.#committed };
  }

  #indexAfter(revision: Revision): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? Infinity) <= revision) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Asks etcd for what is no longer kept, up to where the kept changes begin. */
  async #readOld(prefix: string, after: Revision): Promise<LogPage> {
    const until = this.#since;
    const events: StoreEvent[] = [];
    const stop = new AbortController();
    let seen = 0;
    let revision = after;
    // Starting at `after` itself lets etcd refuse exactly when something after it is compacted.
    for await (const stretch of watchStream(
      this.#deps.channel,
      EVERYTHING,
      Math.max(after, 1),
      stop.signal,
    )) {
      for (const event of stretch.events) {
        if (event.revision > after && event.key.startsWith(prefix)) {
          events.push(event);
        }
      }
      seen += stretch.events.length;
      revision = Math.max(revision, stretch.events.at(-1)?.revision ?? 0);
      if (revision >= until || seen >= OLD_PAGE_MAX) {
        break;
      }
      await nextTurn();
    }
    return { events, revision };
  }
}

function bytesOf(event: StoreEvent): number {
  return (event.type === 'put' ? event.kv.value.length : 0) + (event.previous?.value.length ?? 0);
}
