import type { Clock, Timer } from '#base/clock.ts';
import { nextTurn } from '#base/next-turn.ts';
import { assert } from '#base/assert.ts';
import { CompactedError, FutureRevisionError } from './store.ts';
import type { LogPage } from './journal.ts';
import type { Revision, StoreEvent, WatchBatch, WatchOptions } from './store.ts';

/** Events a watcher may have waiting; one more and it reads the log instead, at its own pace. */
const QUEUED_EVENTS_MAX = 1_000;

/** How late watchers that asked for progress `seldom` learn of it. */
const SELDOM_MS = 10_000;

/** What watchers need from the store they watch. */
export interface WatchSource {
  readonly committedRevision: Revision;
  readonly compactedRevision: Revision;
  /**
   * The next stretch of changes after `after` below `prefix`. Bounded, so it may stop before the newest.
   * A promise where the log is not on this machine.
   */
  readLog(prefix: string, after: Revision): LogPage | Promise<LogPage>;
}

/**
 * Tells watchers what was committed.
 *
 * Subscribers are found by prefix, so a commit costs what its own watchers cost and nothing for the
 * thousands that watch something else.
 */
export class WatchHub {
  readonly #source: WatchSource;
  readonly #clock: Clock;
  readonly #groups = new Map<string, WatchGroup>();
  /** How many groups have a prefix of each length; the lengths worth trying against a key. */
  readonly #lengths = new Map<number, number>();
  readonly #followers = new Set<Watcher>();
  readonly #seldomFollowers = new Set<Watcher>();
  /** Runs while there is progress that those do not know of. */
  #seldomTimer: Timer | undefined;
  readonly #all = new Set<Watcher>();
  #isProgressDue = false;
  #isClosed = false;

  constructor(source: WatchSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** Number of watches under way. */
  get size(): number {
    return this.#all.size;
  }

  /** Hands the events of one commit to the watchers they concern. Never waits for any of them. */
  publish(events: readonly StoreEvent[], revision: Revision): void {
    const touched = new Set<WatchGroup>();
    for (const event of events) {
      for (const length of this.#lengths.keys()) {
        const group = length <= event.key.length ? this.#groups.get(event.key.slice(0, length)) : undefined;
        if (group !== undefined) {
          group.pending.push(event);
          touched.add(group);
        }
      }
    }
    for (const group of touched) {
      const batch: WatchBatch = { events: group.pending, revision };
      group.pending = [];
      for (const watcher of group.watchers) {
        watcher.offer(batch);
      }
    }
    this.#announceProgress();
  }

  async *watch(prefix: string, options: WatchOptions, signal: AbortSignal): AsyncGenerator<WatchBatch, void> {
    if (signal.aborted || this.#isClosed) {
      return;
    }
    if (options.after > this.#source.committedRevision) {
      throw new FutureRevisionError(this.#source.committedRevision);
    }
    const watcher = new Watcher(prefix, options.after, options.progress ?? false);
    // Also when its reader never comes back: an ended watch holds on to nothing.
    const stop = (): void => this.#end(watcher);
    signal.addEventListener('abort', stop, { once: true });
    this.#all.add(watcher);
    try {
      while (!watcher.isStopped) {
        const found = watcher.take() ?? this.#catchUp(watcher);
        const batch = found instanceof Promise ? await found : found;
        if (batch === undefined) {
          await watcher.wait();
        } else if (batch.events.length > 0 || (watcher.wantsProgress && watcher.isLive)) {
          yield batch;
        } else if (!watcher.isLive) {
          // A long stretch of the log without a match must not hold up everything else.
          await nextTurn();
        }
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#end(watcher);
    }
  }

  /** Makes every watcher read the log: changes were committed that nobody published. */
  fallBack(): void {
    for (const watcher of this.#all) {
      this.#detach(watcher);
      watcher.wake();
    }
  }

  /** Ends every watch. */
  close(): void {
    this.#isClosed = true;
    this.#seldomTimer?.cancel();
    for (const watcher of this.#all) {
      this.#end(watcher);
    }
  }

  #end(watcher: Watcher): void {
    watcher.stop();
    this.#all.delete(watcher);
    this.#detach(watcher);
  }

  /** The next stretch for a watcher whose queue is empty; makes it live when it has seen everything. */
  #catchUp(watcher: Watcher): WatchBatch | Promise<WatchBatch> | undefined {
    const { committedRevision, compactedRevision } = this.#source;
    if (watcher.isLive) {
      if (watcher.delivered >= watcher.promised) {
        return undefined;
      }
      // Live with an empty queue: whatever was committed since did not concern this prefix.
      watcher.delivered = committedRevision;
      return { events: [], revision: committedRevision };
    }
    if (watcher.delivered < compactedRevision) {
      throw new CompactedError(compactedRevision);
    }
    const page =
      watcher.delivered < committedRevision
        ? this.#source.readLog(watcher.prefix, watcher.delivered)
        : { events: [], revision: committedRevision };
    return page instanceof Promise
      ? page.then((read) => this.#caughtUp(watcher, read))
      : this.#caughtUp(watcher, page);
  }

  #caughtUp(watcher: Watcher, page: LogPage): WatchBatch {
    const { committedRevision } = this.#source;
    assert(page.revision > watcher.delivered || page.revision === committedRevision, 'a log page gets on');
    watcher.delivered = page.revision;
    if (page.revision === committedRevision && !watcher.isStopped) {
      this.#attach(watcher);
    }
    return page;
  }

  #attach(watcher: Watcher): void {
    const { prefix } = watcher;
    let group = this.#groups.get(prefix);
    if (group === undefined) {
      group = { watchers: new Set(), pending: [] };
      this.#groups.set(prefix, group);
      this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1);
    }
    group.watchers.add(watcher);
    watcher.onOverflow = () => this.#detach(watcher);
    watcher.isLive = true;
    if (watcher.wantsProgress) {
      this.#followersLike(watcher).add(watcher);
    }
  }

  #detach(watcher: Watcher): void {
    watcher.isLive = false;
    this.#followersLike(watcher).delete(watcher);
    const { prefix } = watcher;
    const group = this.#groups.get(prefix);
    if (group?.watchers.delete(watcher) !== true || group.watchers.size > 0) {
      return;
    }
    this.#groups.delete(prefix);
    const count = (this.#lengths.get(prefix.length) ?? 0) - 1;
    if (count > 0) {
      this.#lengths.set(prefix.length, count);
    } else {
      this.#lengths.delete(prefix.length);
    }
  }

  #followersLike({ isPatient }: Watcher): Set<Watcher> {
    return isPatient ? this.#seldomFollowers : this.#followers;
  }

  /** Once per turn of the event loop, however many commits it saw: progress is about lag, not about counts. */
  #announceProgress(): void {
    if (this.#seldomTimer === undefined && this.#seldomFollowers.size > 0) {
      this.#seldomTimer = this.#clock.schedule(SELDOM_MS, () => {
        this.#seldomTimer = undefined;
        this.#promise(this.#seldomFollowers);
      });
    }
    if (this.#isProgressDue || this.#followers.size === 0) {
      return;
    }
    this.#isProgressDue = true;
    setImmediate(() => {
      this.#isProgressDue = false;
      this.#promise(this.#followers);
    });
  }

  #promise(followers: ReadonlySet<Watcher>): void {
    for (const watcher of followers) {
      watcher.promise(this.#source.committedRevision);
    }
  }
}

interface WatchGroup {
  readonly watchers: Set<Watcher>;
  /** Events of the commit being published. */
  pending: StoreEvent[];
}

/**
 * One watch. `delivered` never goes back. While it is live, everything after `delivered` that concerns
 * its prefix is in the queue; while it is not, it is in the log.
 */
class Watcher {
  readonly prefix: string;
  readonly wantsProgress: boolean;
  /** It may learn of progress late. */
  readonly isPatient: boolean;
  delivered: Revision;
  /** Progress is due up to here; moves only for watchers that asked for it. */
  promised: Revision;
  isLive = false;
  isStopped = false;
  onOverflow: (() => void) | undefined;
  #queue: WatchBatch[] = [];
  #queuedEvents = 0;
  #wake: (() => void) | undefined;

  constructor(prefix: string, after: Revision, progress: boolean | 'seldom') {
    this.prefix = prefix;
    this.delivered = after;
    this.promised = after;
    this.wantsProgress = progress !== false;
    this.isPatient = progress === 'seldom';
  }

  offer(batch: WatchBatch): void {
    if (this.#queuedEvents > 0 && this.#queuedEvents + batch.events.length > QUEUED_EVENTS_MAX) {
      this.onOverflow?.();
      return;
    }
    this.#queue.push(batch);
    this.#queuedEvents += batch.events.length;
    this.#signal();
  }

  /** Everything queued as one batch; undefined when there is nothing. */
  take(): WatchBatch | undefined {
    const queue = this.#queue;
    const last = queue.at(-1);
    if (last === undefined) {
      return undefined;
    }
    this.#queue = [];
    this.#queuedEvents = 0;
    this.delivered = last.revision;
    return queue.length === 1
      ? last
      : { events: queue.flatMap((batch) => batch.events), revision: last.revision };
  }

  /** Lets a watcher without news report that it is up to date. */
  promise(revision: Revision): void {
    this.promised = revision;
    this.#signal();
  }

  async wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  wake(): void {
    this.#signal();
  }

  stop(): void {
    this.isStopped = true;
    this.#queue = [];
    this.#signal();
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
