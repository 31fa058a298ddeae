import { assert, defined } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { ChangeLog, FIRST_REVISION } from './change-log.ts';
import { Compactor } from './compactor.ts';
import { EventWindow } from './event-window.ts';
import { KeyHistory, isInRange, isTombstone, rangeOf } from './key-history.ts';
import { LeaseTable } from './lease-table.ts';
import { CompactedError, FutureRevisionError, LeaseNotFoundError, StoreClosedError } from './store.ts';
import { WatchHub } from './watch-hub.ts';
import type { WatchSource } from './watch-hub.ts';
import type { Change, CommitBatch, Journal, LeaseGrant } from './journal.ts';
import type { FoundKey, KeyRange, KeyVersion } from './key-history.ts';
import type {
  CreateOutcome,
  DeleteOutcome,
  KeyValue,
  LeaseId,
  ListOptions,
  ListResult,
  Revision,
  Store,
  StoreStatus,
  UpdateOutcome,
  WatchBatch,
  WatchOptions,
  WriteOptions,
} from './store.ts';

/** Changes in one commit; more wait for the next one, so that no commit takes for ever. */
const BATCH_CHANGES_MAX = 4_096;

/** Changes since an old revision up to which counting backwards beats walking over every key. */
const RECOUNT_CHANGES_MAX = 5_000;

const TTL_SECONDS_MAX = 9_000_000_000;

/** What a store starts from: nothing, a fork, or what was read from disk. */
export interface StoreState {
  readonly keys: KeyHistory;
  readonly window: EventWindow;
  readonly revision: Revision;
  readonly compactedRevision: Revision;
  /** Compaction has erased everything it may up to here. */
  readonly sweptRevision: Revision;
  readonly leases: readonly LeaseGrant[];
}

export function emptyState(): StoreState {
  return {
    keys: new KeyHistory(),
    window: new EventWindow(FIRST_REVISION),
    revision: FIRST_REVISION - 1,
    compactedRevision: 0,
    sweptRevision: FIRST_REVISION - 1,
    leases: [],
  };
}

export interface SequencedStoreDeps {
  readonly clock: Clock;
  readonly log?: Logger | undefined;
}

/** Writes on their way to one commit. */
class OpenBatch implements CommitBatch {
  readonly changes: Change[] = [];
  readonly granted: LeaseGrant[] = [];
  readonly ended: LeaseId[] = [];
  readonly #done = Promise.withResolvers<void>();

  constructor() {
    // Whoever waits gets the failure; a batch that nobody waits for must not end the process.
    this.#done.promise.catch((error: unknown) => error);
  }

  /** Resolves when the batch is durable, rejects when nothing of it was kept. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  get size(): number {
    return this.changes.length + this.granted.length + this.ended.length;
  }

  succeed(): void {
    this.#done.resolve();
  }

  fail(error: unknown): void {
    this.#done.reject(error);
  }
}

/** The newest state of a key that is not committed yet, and the batch whose fate it shares. */
interface PendingChange {
  readonly change: Change;
  readonly batch: OpenBatch;
}

/**
 * The store without the place where it keeps things: revisions, preconditions, group commit, history,
 * watches and leases. A {@link Journal} supplies that place.
 *
 * 1. A write checks its precondition against the newest state, waiting writes included, and takes the
 *    next revision, all in one synchronous step. So revisions have no gaps and nothing slips between.
 * 2. It joins the open batch. While one batch is being committed the next one fills.
 * 3. When the batch is durable it enters the key history, then the callers are answered, then the watchers.
 * 4. A batch that fails takes down those that were checked against it, and their revisions are given
 *    out again: nobody has seen them.
 */
export class SequencedStore implements Store {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #keys: KeyHistory;
  readonly #window: EventWindow;
  readonly #log: ChangeLog;
  readonly #leases: LeaseTable;
  readonly #compactor: Compactor;
  readonly #hub: WatchHub;
  readonly #tasks: TaskGroup;
  /** Newest uncommitted state by key. */
  readonly #pending = new Map<string, PendingChange>();
  /** Batches that wait for their commit, oldest first. The last one still takes writes. */
  #batches: OpenBatch[] = [];
  #committing: Promise<void> | undefined;
  #committed: Revision;
  /** The newest revision given out. */
  #assigned: Revision;
  #lastLease: LeaseId;
  #isClosed = false;

  constructor(deps: SequencedStoreDeps, journal: Journal, state: StoreState) {
    this.#clock = deps.clock;
    this.#journal = journal;
    this.#keys = state.keys;
    this.#window = state.window;
    this.#committed = state.revision;
    this.#assigned = state.revision;
    this.#tasks = new TaskGroup((task, error) => deps.log?.error('store task failed', { task, error }));
    this.#log = new ChangeLog(state.window, journal);
    this.#compactor = new Compactor(
      { keys: this.#keys, log: this.#log, journal, tasks: this.#tasks },
      state.compactedRevision,
      state.sweptRevision,
    );
    this.#lastLease = state.leases.reduce((newest, { id }) => Math.max(newest, id), 0);
    this.#leases = new LeaseTable(deps.clock, (ids) => this.#expire(ids));
    for (const grant of state.leases) {
      this.#leases.add(grant);
    }
    if (state.leases.length > 0) {
      for (const [key, version] of this.#keys.page(rangeOf(''), Infinity).found) {
        this.#leases.move(key, 0, version.lease);
      }
    }
    this.#hub = new WatchHub(this.#watchSource());
    this.#compactor.start();
  }

  async currentRevision(): Promise<Revision> {
    this.#checkOpen();
    return this.#committed;
  }

  async get(key: string, options: { readonly revision?: Revision } = {}): Promise<KeyValue | undefined> {
    this.#checkOpen();
    const version =
      options.revision === undefined
        ? this.#keys.live(key)
        : this.#keys.at(key, this.#checkReadable(options.revision));
    return version === undefined ? undefined : this.#read(key, version);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#checkOpen();
    const limit = options.limit === undefined || options.limit <= 0 ? Infinity : options.limit;
    const revision = options.revision === undefined ? this.#committed : this.#checkReadable(options.revision);
    const range = rangeOf(prefix, options.after);
    const { found, remaining } =
      revision === this.#committed
        ? this.#keys.page(range, limit)
        : this.#keys.pageAt(range, limit, revision, this.#countAt(range, revision));
    const items = found.map(([key, version]: FoundKey) => this.#read(key, version));
    return { items, revision, hasMore: remaining > 0, remaining };
  }

  async count(prefix: string): Promise<number> {
    this.#checkOpen();
    return this.#keys.count(rangeOf(prefix));
  }

  async create(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<CreateOutcome> {
    const head = this.#head(key);
    if (head !== undefined) {
      return { kind: 'exists', current: await this.#settled(key, head) };
    }
    const batch = this.#openBatch();
    const revision = this.#put(batch, key, value, options.lease ?? 0);
    await batch.done;
    return { kind: 'created', revision };
  }

  async update(
    key: string,
    value: Uint8Array,
    expected: Revision | undefined,
    options: WriteOptions = {},
  ): Promise<UpdateOutcome> {
    const head = this.#head(key);
    if (head === undefined) {
      await this.#settledAbsence(key);
      return { kind: 'missing' };
    }
    if (expected !== undefined && head.revision !== expected) {
      return { kind: 'conflict', current: await this.#settled(key, head) };
    }
    const batch = this.#openBatch();
    const revision = this.#put(batch, key, value, options.lease ?? 0);
    await batch.done;
    return { kind: 'updated', revision };
  }

  async delete(key: string, expected?: Revision): Promise<DeleteOutcome> {
    const head = this.#head(key);
    if (head === undefined) {
      await this.#settledAbsence(key);
      return { kind: 'missing' };
    }
    if (expected !== undefined && head.revision !== expected) {
      return { kind: 'conflict', current: await this.#settled(key, head) };
    }
    const batch = this.#openBatch();
    const change = this.#remove(batch, key, head);
    await batch.done;
    return {
      kind: 'deleted',
      revision: change.version.revision,
      previous: defined(change.event.previous, 'the deleted entry'),
    };
  }

  watch(prefix: string, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchBatch> {
    return this.#hub.watch(prefix, options, signal);
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    assert(ttlSeconds >= 1 && ttlSeconds <= TTL_SECONDS_MAX, 'a lease lasts from 1 to 9000000000 seconds');
    const batch = this.#openBatch();
    const id = ++this.#lastLease;
    batch.granted.push({ id, ttlSeconds, expiresAtMs: this.#clock.nowMs() + ttlSeconds * 1_000 });
    await batch.done;
    return id;
  }

  async compact(revision: Revision): Promise<void> {
    this.#checkOpen();
    if (revision > this.#committed) {
      throw new FutureRevisionError(this.#committed);
    }
    await this.#compactor.compact(revision);
  }

  async status(): Promise<StoreStatus> {
    this.#checkOpen();
    return {
      revision: this.#committed,
      compactedRevision: this.#compactor.compactedRevision,
      keys: this.#keys.size,
      sizeBytes: this.#journal.sizeBytes(),
      leases: this.#leases.size,
      watchers: this.#hub.size,
    };
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#leases.close();
      while (this.#committing !== undefined) {
        await this.#committing;
      }
      this.#hub.close();
      await this.#tasks.close();
      await this.#compactor.settle();
      await this.#journal.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The committed state, to start an independent store from. Costs the length of the log, not of the values. */
  protected snapshot(): StoreState {
    return {
      keys: this.#keys.fork(),
      window: this.#window.fork(),
      revision: this.#committed,
      compactedRevision: this.#compactor.compactedRevision,
      sweptRevision: this.#compactor.sweptRevision,
      leases: this.#leases.grants,
    };
  }

  #watchSource(): WatchSource {
    const committed = (): Revision => this.#committed;
    const compacted = (): Revision => this.#compactor.compactedRevision;
    return {
      get committedRevision(): Revision {
        return committed();
      },
      get compactedRevision(): Revision {
        return compacted();
      },
      readLog: (prefix, after) => this.#log.page(prefix, after, this.#committed),
    };
  }

  #checkOpen(): void {
    if (this.#isClosed) {
      throw new StoreClosedError();
    }
  }

  #checkReadable(revision: Revision): Revision {
    if (revision < this.#compactor.compactedRevision) {
      throw new CompactedError(this.#compactor.compactedRevision);
    }
    if (revision > this.#committed) {
      throw new FutureRevisionError(this.#committed);
    }
    return revision;
  }

  /**
   * How many keys of a range existed at `revision`: those that exist now, corrected by what has happened
   * since. Undefined when that is too much; then they have to be counted one by one.
   */
  #countAt(range: KeyRange, revision: Revision): number | undefined {
    if (this.#committed - revision > RECOUNT_CHANGES_MAX || !this.#log.isRecent(revision)) {
      return undefined;
    }
    const changed = new Set<string>();
    let count = this.#keys.count(range);
    for (const { key, previous } of this.#log.recent(revision, this.#committed)) {
      if (isInRange(range, key) && !changed.has(key)) {
        changed.add(key);
        count += Number(previous !== undefined) - Number(this.#keys.live(key) !== undefined);
      }
    }
    return count;
  }

  #read(key: string, version: KeyVersion): KeyValue {
    return version.kv ?? this.#journal.read(key, version);
  }

  /** The newest state of a key that exists, uncommitted writes included. */
  #head(key: string): KeyVersion | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) {
      return this.#keys.live(key);
    }
    return isTombstone(pending.change.version) ? undefined : pending.change.version;
  }

  /** The entry a refused write collided with, once it is certain to stay. */
  async #settled(key: string, head: KeyVersion): Promise<KeyValue> {
    const pending = this.#pending.get(key);
    if (pending === undefined) {
      return this.#read(key, head);
    }
    await pending.batch.done;
    assert(pending.change.event.type === 'put', 'a head that exists was put');
    return pending.change.event.kv;
  }

  /** Waits until the deletion that makes a key missing, if one is on its way, is certain to stay. */
  async #settledAbsence(key: string): Promise<void> {
    await this.#pending.get(key)?.batch.done;
  }

  #openBatch(): OpenBatch {
    this.#checkOpen();
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.size >= BATCH_CHANGES_MAX) {
      batch = new OpenBatch();
      this.#batches.push(batch);
    }
    this.#committing ??= this.#commitAll();
    return batch;
  }

  #put(batch: OpenBatch, key: string, value: Uint8Array, lease: LeaseId): Revision {
    assert(key.isWellFormed(), 'a key has a UTF-8 form');
    if (lease !== 0 && !this.#leases.isUsable(lease)) {
      throw new LeaseNotFoundError(lease);
    }
    const head = this.#pending.get(key)?.change.version ?? this.#keys.newest(key);
    const isNew = head === undefined || isTombstone(head);
    const revision = ++this.#assigned;
    const createRevision = isNew ? revision : head.createRevision;
    const version = isNew ? 1 : head.version + 1;
    const kv: KeyValue = { key, value, createRevision, modRevision: revision, version, lease };
    this.#join(batch, {
      key,
      version: {
        revision,
        createRevision,
        version,
        lease,
        size: value.length,
        kv: this.#journal.keepsValuesInHeap ? kv : undefined,
        previous: head,
      },
      event: { type: 'put', key, kv, previous: isNew ? undefined : this.#headEntry(key, head), revision },
    });
    return revision;
  }

  #remove(batch: OpenBatch, key: string, head: KeyVersion): Change {
    const previous = this.#headEntry(key, head);
    const revision = ++this.#assigned;
    const change: Change = {
      key,
      version: { revision, createRevision: 0, version: 0, lease: 0, size: 0, kv: undefined, previous: head },
      event: { type: 'delete', key, previous, revision },
    };
    this.#join(batch, change);
    return change;
  }

  /** The entry of a head that exists, read from the pending write if there is one. */
  #headEntry(key: string, head: KeyVersion): KeyValue {
    const event = this.#pending.get(key)?.change.event;
    return event?.type === 'put' ? event.kv : this.#read(key, head);
  }

  #join(batch: OpenBatch, change: Change): void {
    batch.changes.push(change);
    this.#pending.set(change.key, { change, batch });
  }

  /** Commits batch after batch until none is left. */
  async #commitAll(): Promise<void> {
    // Lets the writes made in this same step of the program join.
    await Promise.resolve();
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      // Writes made from here on belong to the next batch.
      this.#batches.shift();
      try {
        if (batch.size > 0) {
          await this.#journal.commit(batch);
        }
      } catch (error) {
        this.#abandon(batch, error);
        continue;
      }
      this.#apply(batch);
      batch.succeed();
      this.#hub.publish(
        batch.changes.map((change) => change.event),
        this.#committed,
      );
    }
    this.#committing = undefined;
  }

  #apply(batch: OpenBatch): void {
    for (const change of batch.changes) {
      const { key, version, event } = change;
      assert(version.revision === this.#committed + 1, 'revisions are committed in order, without gaps');
      this.#keys.apply(key, version);
      this.#log.push(event);
      this.#leases.move(key, version.previous?.lease ?? 0, version.lease);
      this.#committed = version.revision;
      if (this.#pending.get(key)?.change === change) {
        this.#pending.delete(key);
      }
    }
    this.#log.trimWindow();
    for (const grant of batch.granted) {
      this.#leases.add(grant);
    }
    for (const id of batch.ended) {
      this.#leases.end(id);
    }
  }

  /** Fails a batch and every one that was checked against it. */
  #abandon(failed: OpenBatch, error: unknown): void {
    const batches = [failed, ...this.#batches];
    this.#batches = [];
    this.#pending.clear();
    this.#assigned = this.#committed;
    for (const batch of batches) {
      for (const id of batch.ended) {
        this.#leases.retryLater(id);
      }
      batch.fail(error);
    }
  }

  /** Deletes the keys of leases that ran out, as ordinary deletions. */
  #expire(ids: readonly LeaseId[]): void {
    for (const id of ids) {
      if (this.#isClosed || !this.#leases.has(id)) {
        continue;
      }
      const pendingKeys = [...this.#pending.values()]
        .filter(({ change }) => change.version.lease === id)
        .map(({ change }) => change.key);
      for (const key of new Set([...this.#leases.keysOf(id), ...pendingKeys])) {
        const head = this.#head(key);
        if (head?.lease === id) {
          this.#remove(this.#openBatch(), key, head);
        }
      }
      this.#openBatch().ended.push(id);
    }
  }
}
