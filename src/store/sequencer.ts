import { assert } from '#base/assert.ts';
import { isTombstone } from './key-history.ts';
import type { Change, CommitBatch, Journal, LeaseGrant } from './journal.ts';
import type { KeyHistory, KeyVersion } from './key-history.ts';
import type { KeyValue, LeaseId, Revision } from './store.ts';

/** Changes in one commit; more wait for the next one, so that no commit takes for ever. */
const BATCH_CHANGES_MAX = 4_096;

/** Writes on their way to one commit. */
export class OpenBatch implements CommitBatch {
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

/** A write on its way: what it does, and the batch whose fate it shares. */
export interface PendingWrite {
  readonly change: Change;
  readonly batch: OpenBatch;
}

export interface SequencerParts {
  readonly journal: Journal;
  readonly keys: KeyHistory;
  /** The committed entry of a version. */
  readonly read: (key: string, version: KeyVersion) => KeyValue;
  /** Runs in the same step in which the batch enters the key history, before anybody is answered. */
  readonly onCommitted: (batch: CommitBatch) => void;
  /** Runs after the callers' promises were resolved. */
  readonly onAnswered: (batch: CommitBatch) => void;
  /** Runs when nothing of the batch was kept. */
  readonly onAbandoned: (batch: CommitBatch) => void;
}

/**
 * The one writer: gives out revisions and commits in their order.
 *
 * 1. A write is checked by its caller against {@link head}, which knows the waiting writes too, and takes
 *    the next revision, all in one synchronous step. So revisions have no gaps and nothing slips between.
 * 2. It joins the open batch. While one batch is being committed the next one fills.
 * 3. When the batch is durable it enters the key history, then the callers are answered, then the watchers.
 * 4. A batch that fails takes down those that were checked against it, and their revisions are given
 *    out again: nobody has seen them.
 *
 * The queue of batches is bounded by the callers, each of whom waits for an answer.
 */
export class Sequencer {
  readonly #parts: SequencerParts;
  /** The newest uncommitted write by key. */
  readonly #pending = new Map<string, PendingWrite>();
  /** Batches that wait for their commit, oldest first. The last one still takes writes. */
  #batches: OpenBatch[] = [];
  #committing: Promise<void> | undefined;
  #committed: Revision;
  /** The newest revision given out. */
  #assigned: Revision;

  constructor(parts: SequencerParts, committed: Revision) {
    this.#parts = parts;
    this.#committed = committed;
    this.#assigned = committed;
  }

  get committedRevision(): Revision {
    return this.#committed;
  }

  /** The newest revision given out, committed or not. */
  get assignedRevision(): Revision {
    return this.#assigned;
  }

  /** The newest state of a key that exists, uncommitted writes included. */
  head(key: string): KeyVersion | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) {
      return this.#parts.keys.live(key);
    }
    return isTombstone(pending.change.version) ? undefined : pending.change.version;
  }

  /** The entry at a head, once it is certain to stay; for the answer to a write it refused. */
  async settledEntry(key: string, head: KeyVersion): Promise<KeyValue> {
    const entry = this.#entry(key, head);
    await this.#pending.get(key)?.batch.done;
    return entry;
  }

  /** Waits until the deletion that makes a key missing, if one is on its way, is certain to stay. */
  async settledAbsence(key: string): Promise<void> {
    await this.#pending.get(key)?.batch.done;
  }

  /** The entry at a head with uncommitted writes included, and when it is certain to stay. */
  peek(key: string, head: KeyVersion): { readonly entry: KeyValue; readonly settled: Promise<void> } {
    return { entry: this.#entry(key, head), settled: this.settledAbsence(key) };
  }

  /** Keys with an uncommitted write. */
  pendingKeys(): Iterable<string> {
    return this.#pending.keys();
  }

  /** Keys with an uncommitted write that ties them to a lease. */
  keysTiedTo(lease: LeaseId): string[] {
    return [...this.#pending.values()]
      .filter(({ change }) => change.version.lease === lease)
      .map(({ change }) => change.key);
  }

  put(key: string, value: Uint8Array, lease: LeaseId): PendingWrite {
    assert(key.isWellFormed(), 'a key has a UTF-8 form');
    const { journal, keys } = this.#parts;
    const head = this.head(key);
    const previous = head === undefined ? undefined : this.#entry(key, head);
    const revision = this.#assigned + 1;
    const createRevision = head?.createRevision ?? revision;
    const version = (head?.version ?? 0) + 1;
    const kv: KeyValue = { key, value, createRevision, modRevision: revision, version, lease };
    return this.#join({
      key,
      version: {
        revision,
        createRevision,
        version,
        lease,
        size: value.length,
        kv: journal.keepsValuesInHeap ? kv : undefined,
        previous: this.#pending.get(key)?.change.version ?? keys.newest(key),
      },
      event: { type: 'put', key, kv, previous, revision },
    });
  }

  remove(key: string, head: KeyVersion): PendingWrite {
    const previous = this.#entry(key, head);
    const revision = this.#assigned + 1;
    return this.#join({
      key,
      version: { revision, createRevision: 0, version: 0, lease: 0, size: 0, kv: undefined, previous: head },
      event: { type: 'delete', key, previous, revision },
    });
  }

  grantLease(grant: LeaseGrant): Promise<void> {
    const batch = this.#openBatch();
    batch.granted.push(grant);
    return batch.done;
  }

  endLease(id: LeaseId): Promise<void> {
    const batch = this.#openBatch();
    batch.ended.push(id);
    return batch.done;
  }

  /** Waits until every write made so far is committed or refused. */
  async drain(): Promise<void> {
    while (this.#committing !== undefined) {
      await this.#committing;
    }
  }

  /** The entry at a head, from the pending write if there is one. */
  #entry(key: string, head: KeyVersion): KeyValue {
    const event = this.#pending.get(key)?.change.event;
    return event?.type === 'put' ? event.kv : this.#parts.read(key, head);
  }

  #join(change: Change): PendingWrite {
    const batch = this.#openBatch();
    batch.changes.push(change);
    this.#assigned = change.version.revision;
    const write = { change, batch };
    this.#pending.set(change.key, write);
    return write;
  }

  #openBatch(): OpenBatch {
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.size >= BATCH_CHANGES_MAX) {
      batch = new OpenBatch();
      this.#batches.push(batch);
    }
    this.#committing ??= this.#commitAll();
    return batch;
  }

  async #commitAll(): Promise<void> {
    // Lets the writes made in this same step of the program join.
    await Promise.resolve();
    // Writes made after a batch was taken belong to the next one.
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      await this.#commit(batch);
    }
    this.#committing = undefined;
  }

  async #commit(batch: OpenBatch): Promise<void> {
    try {
      await this.#parts.journal.commit(batch);
    } catch (error) {
      this.#abandon(batch, error);
      return;
    }
    for (const change of batch.changes) {
      const { key, version } = change;
      assert(version.revision === this.#committed + 1, 'revisions are committed in order, without gaps');
      this.#parts.keys.apply(key, version);
      this.#committed = version.revision;
      if (this.#pending.get(key)?.change === change) {
        this.#pending.delete(key);
      }
    }
    this.#parts.onCommitted(batch);
    batch.succeed();
    this.#parts.onAnswered(batch);
  }

  /** Fails a batch and every one that was checked against it. */
  #abandon(failed: OpenBatch, error: unknown): void {
    const batches = [failed, ...this.#batches];
    this.#batches = [];
    this.#pending.clear();
    this.#assigned = this.#committed;
    for (const batch of batches) {
      this.#parts.onAbandoned(batch);
      batch.fail(error);
    }
  }
}
