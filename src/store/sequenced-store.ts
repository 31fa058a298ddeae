import { assert, defined } from '#base/assert.ts';
import { compareCodePoints } from '#base/ordered-map.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { ChangeLog, FIRST_REVISION } from './change-log.ts';
import { Compactor } from './compactor.ts';
import { EventWindow } from './event-window.ts';
import { KeyHistory, isInRange, rangeOf } from './key-history.ts';
import { LeaseTable } from './lease-table.ts';
import { Sequencer } from './sequencer.ts';
import { LeaseExistsError } from './transactional-store.ts';
import { CompactedError, FutureRevisionError, LeaseNotFoundError, StoreClosedError } from './store.ts';
import { WatchHub } from './watch-hub.ts';
import type { SequencerParts } from './sequencer.ts';
import type { RangeOptions, StoreTransaction, TransactionalStore } from './transactional-store.ts';
import type { WatchSource } from './watch-hub.ts';
import type { CommitBatch, Journal, LeaseGrant } from './journal.ts';
import type { FoundKey, KeyRange, KeyVersion } from './key-history.ts';
import type {
  CreateOutcome,
  DeleteOutcome,
  KeyValue,
  LeaseId,
  ListOptions,
  ListResult,
  Revision,
  StoreStatus,
  UpdateOutcome,
  WatchBatch,
  WatchOptions,
  WriteOptions,
} from './store.ts';

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

/**
 * The store without the place where it keeps things, which a {@link Journal} supplies. The
 * {@link Sequencer} orders and commits the writes; here they are checked, and what was committed goes to
 * the log, the leases and the watchers.
 */
export class SequencedStore implements TransactionalStore {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #keys: KeyHistory;
  readonly #window: EventWindow;
  readonly #log: ChangeLog;
  readonly #leases: LeaseTable;
  readonly #compactor: Compactor;
  readonly #sequencer: Sequencer;
  readonly #hub: WatchHub;
  readonly #tasks: TaskGroup;
  #lastLease: LeaseId;
  #isClosed = false;

  constructor(deps: SequencedStoreDeps, journal: Journal, state: StoreState) {
    this.#clock = deps.clock;
    this.#journal = journal;
    this.#keys = state.keys;
    this.#window = state.window;
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
    this.#sequencer = new Sequencer(this.#sequencerParts(), state.revision);
    this.#hub = new WatchHub(this.#watchSource(), deps.clock);
    this.#compactor.start();
  }

  async currentRevision(): Promise<Revision> {
    this.#checkOpen();
    return this.#sequencer.committedRevision;
  }

  async get(key: string, options: { readonly revision?: Revision } = {}): Promise<KeyValue | undefined> {
    this.#checkOpen();
    const version =
      options.revision === undefined
        ? this.#keys.live(key)
        : this.#keys.at(key, this.#checkReadable(options.revision));
    return version === undefined ? undefined : this.#found(key, version);
  }

  list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    return this.listRange(rangeOf(prefix, options.after), options);
  }

  async listRange(range: KeyRange, options: RangeOptions = {}): Promise<ListResult> {
    this.#checkOpen();
    const limit = options.limit === undefined || options.limit <= 0 ? Infinity : options.limit;
    const revision =
      options.revision === undefined
        ? this.#sequencer.committedRevision
        : this.#checkReadable(options.revision);
    const { found, remaining } =
      revision === this.#sequencer.committedRevision
        ? this.#keys.page(range, limit)
        : this.#keys.pageAt(range, limit, revision, this.#countAt(range, revision));
    const items = found.map(([key, version]: FoundKey) => this.#found(key, version));
    return { items, revision, hasMore: remaining > 0, remaining };
  }

  async count(prefix: string): Promise<number> {
    this.#checkOpen();
    return this.#keys.count(rangeOf(prefix));
  }

  async create(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<CreateOutcome> {
    this.#checkOpen();
    const head = this.#sequencer.head(key);
    if (head !== undefined) {
      return { kind: 'exists', current: await this.#sequencer.settledEntry(key, head) };
    }
    const { change, batch } = this.#sequencer.put(key, value, this.#usable(options.lease));
    await batch.done;
    return { kind: 'created', revision: change.version.revision };
  }

  async update(
    key: string,
    value: Uint8Array,
    expected: Revision | undefined,
    options: WriteOptions = {},
  ): Promise<UpdateOutcome> {
    this.#checkOpen();
    const head = this.#sequencer.head(key);
    if (head === undefined) {
      await this.#sequencer.settledAbsence(key);
      return { kind: 'missing' };
    }
    if (expected !== undefined && head.revision !== expected) {
      return { kind: 'conflict', current: await this.#sequencer.settledEntry(key, head) };
    }
    const { change, batch } = this.#sequencer.put(key, value, this.#usable(options.lease));
    await batch.done;
    return { kind: 'updated', revision: change.version.revision };
  }

  async delete(key: string, expected?: Revision): Promise<DeleteOutcome> {
    this.#checkOpen();
    const head = this.#sequencer.head(key);
    if (head === undefined) {
      await this.#sequencer.settledAbsence(key);
      return { kind: 'missing' };
    }
    if (expected !== undefined && head.revision !== expected) {
      return { kind: 'conflict', current: await this.#sequencer.settledEntry(key, head) };
    }
    const { change, batch } = this.#sequencer.remove(key, head);
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

  async transact<T>(body: (txn: StoreTransaction) => T): Promise<T> {
    this.#checkOpen();
    const settled = new Set<Promise<void>>();
    const result = body(this.#transaction(settled));
    await Promise.all(settled);
    return result;
  }

  async grantLease(ttlSeconds: number, wanted?: LeaseId): Promise<LeaseId> {
    assert(ttlSeconds >= 1 && ttlSeconds <= TTL_SECONDS_MAX, 'a lease lasts from 1 to 9000000000 seconds');
    this.#checkOpen();
    if (wanted !== undefined && this.#leases.has(wanted)) {
      throw new LeaseExistsError(wanted);
    }
    const id = wanted ?? this.#nextLease();
    await this.#grant(id, ttlSeconds);
    return id;
  }

  async renewLease(id: LeaseId): Promise<number | undefined> {
    this.#checkOpen();
    const grant = this.#leases.grantOf(id);
    if (grant === undefined || !this.#leases.isUsable(id)) {
      return undefined;
    }
    await this.#grant(id, grant.ttlSeconds);
    return grant.ttlSeconds;
  }

  async revokeLease(id: LeaseId): Promise<boolean> {
    this.#checkOpen();
    if (!this.#leases.has(id)) {
      return false;
    }
    await this.#endLease(id);
    return true;
  }

  leases(): readonly LeaseGrant[] {
    return this.#leases.grants;
  }

  leaseKeys(id: LeaseId): readonly string[] {
    return this.#leases.keysOf(id);
  }

  async compact(revision: Revision): Promise<void> {
    this.#checkOpen();
    if (revision > this.#sequencer.committedRevision) {
      throw new FutureRevisionError(this.#sequencer.committedRevision);
    }
    await this.#compactor.compact(revision);
  }

  async status(): Promise<StoreStatus> {
    this.#checkOpen();
    return {
      revision: this.#sequencer.committedRevision,
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
      await this.#sequencer.drain();
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
      revision: this.#sequencer.committedRevision,
      compactedRevision: this.#compactor.compactedRevision,
      sweptRevision: this.#compactor.sweptRevision,
      leases: this.#leases.grants,
    };
  }

  #sequencerParts(): SequencerParts {
    return {
      journal: this.#journal,
      keys: this.#keys,
      read: (key, version) => this.#read(key, version),
      onCommitted: (batch) => this.#absorb(batch),
      onAnswered: ({ changes }) =>
        this.#hub.publish(
          changes.map((change) => change.event),
          this.#sequencer.committedRevision,
        ),
      onAbandoned: ({ ended }) => ended.forEach((id) => this.#leases.retryLater(id)),
    };
  }

  #watchSource(): WatchSource {
    const committed = (): Revision => this.#sequencer.committedRevision;
    const compacted = (): Revision => this.#compactor.compactedRevision;
    return {
      get committedRevision(): Revision {
        return committed();
      },
      get compactedRevision(): Revision {
        return compacted();
      },
      readLog: (prefix, after) => this.#log.page(prefix, after, this.#sequencer.committedRevision),
    };
  }

  #checkOpen(): void {
    if (this.#isClosed) {
      throw new StoreClosedError();
    }
  }

  /** @throws {LeaseNotFoundError} */
  #usable(lease: LeaseId = 0): LeaseId {
    if (lease !== 0 && !this.#leases.isUsable(lease)) {
      throw new LeaseNotFoundError(lease);
    }
    return lease;
  }

  #checkReadable(revision: Revision): Revision {
    if (revision < this.#compactor.compactedRevision) {
      throw new CompactedError(this.#compactor.compactedRevision);
    }
    if (revision > this.#sequencer.committedRevision) {
      throw new FutureRevisionError(this.#sequencer.committedRevision);
    }
    return revision;
  }

  /**
   * How many keys of a range existed at `revision`: those that exist now, corrected by what has happened
   * since. Undefined when that is too much; then they have to be counted one by one.
   */
  #countAt(range: KeyRange, revision: Revision): number | undefined {
    if (this.#sequencer.committedRevision - revision > RECOUNT_CHANGES_MAX || !this.#log.isRecent(revision)) {
      return undefined;
    }
    const changed = new Set<string>();
    let count = this.#keys.count(range);
    for (const { key, previous } of this.#log.recent(revision, this.#sequencer.committedRevision)) {
      if (isInRange(range, key) && !changed.has(key)) {
        changed.add(key);
        count += Number(previous !== undefined) - Number(this.#keys.live(key) !== undefined);
      }
    }
    return count;
  }

  #read(key: string, version: KeyVersion): KeyValue {
    return this.#onHeap(version) ?? this.#journal.read(key, version);
  }

  /** What was written lately is still on the heap, so most of what is read or replaced needs no look at the disk. */
  #onHeap(version: KeyVersion): KeyValue | undefined {
    return version.kv ?? this.#log.recentEntry(version.revision);
  }

  /** An entry for a reader, who often knows the value of that revision and does not ask for it. */
  #found(key: string, version: KeyVersion): KeyValue {
    const read = (): Uint8Array => this.#journal.read(key, version).value;
    return (
      this.#onHeap(version) ?? {
        key,
        get value(): Uint8Array {
          return read();
        },
        createRevision: version.createRevision,
        modRevision: version.revision,
        version: version.version,
        lease: version.lease,
      }
    );
  }

  /** Takes what was committed into the log and the leases. */
  #absorb({ changes, granted, ended }: CommitBatch): void {
    for (const { key, version, event } of changes) {
      this.#log.push(event);
      this.#leases.move(key, version.previous?.lease ?? 0, version.lease);
    }
    this.#log.trimWindow();
    granted.forEach((grant) => this.#leases.add(grant));
    ended.forEach((id) => this.#leases.end(id));
  }

  /** Deletes the keys of leases that ran out, as ordinary deletions. */
  #expire(ids: readonly LeaseId[]): void {
    for (const id of ids) {
      if (this.#isClosed || !this.#leases.has(id)) {
        continue;
      }
      // A batch that fails brings the lease back by way of `onAbandoned`.
      this.#endLease(id).catch((error: unknown) => error);
    }
  }

  #endLease(id: LeaseId): Promise<void> {
    for (const key of new Set([...this.#leases.keysOf(id), ...this.#sequencer.keysTiedTo(id)])) {
      const head = this.#sequencer.head(key);
      if (head?.lease === id) {
        this.#sequencer.remove(key, head);
      }
    }
    return this.#sequencer.endLease(id);
  }

  #nextLease(): LeaseId {
    do {
      this.#lastLease += 1;
    } while (this.#leases.has(this.#lastLease));
    return this.#lastLease;
  }

  #grant(id: LeaseId, ttlSeconds: number): Promise<void> {
    return this.#sequencer.grantLease({
      id,
      ttlSeconds,
      expiresAtMs: this.#clock.nowMs() + ttlSeconds * 1_000,
    });
  }

  #transaction(settled: Set<Promise<void>>): StoreTransaction {
    const get = (key: string): KeyValue | undefined => {
      const head = this.#sequencer.head(key);
      if (head === undefined) {
        settled.add(this.#sequencer.settledAbsence(key));
        return undefined;
      }
      const found = this.#sequencer.peek(key, head);
      settled.add(found.settled);
      return found.entry;
    };
    const newest = (): Revision => this.#sequencer.assignedRevision;
    return {
      get revision(): Revision {
        return newest();
      },
      get,
      range: (range) => {
        const keys = new Set(this.#keys.page(range, Infinity).found.map(([key]) => key));
        for (const key of this.#sequencer.pendingKeys()) {
          if (isInRange(range, key)) {
            keys.add(key);
          }
        }
        return [...keys]
          .toSorted(compareCodePoints)
          .map(get)
          .filter((entry) => entry !== undefined);
      },
      isLeaseUsable: (id) => this.#leases.isUsable(id),
      put: (key, value, lease) => {
        settled.add(this.#sequencer.put(key, value, lease).batch.done);
      },
      delete: (key) => {
        const head = this.#sequencer.head(key);
        if (head !== undefined) {
          settled.add(this.#sequencer.remove(key, head).batch.done);
        }
      },
    };
  }
}
