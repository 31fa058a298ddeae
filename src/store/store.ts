/**
 * The port every backend implements: etcd's data model cut down to what Kubernetes needs.
 *
 * One flat keyspace in byte order of the UTF-8 key, one global revision, every change kept until it is
 * compacted, watches from any kept revision without loss. A revision is a positive integer; the first
 * write of an empty store makes revision 2, as in etcd. The store knows bytes, never pods.
 *
 * Writes check their precondition synchronously against the newest state, the writes still waiting for
 * their commit included, and answer only once the change survives a power cut. Reads see committed
 * state only: what a reader saw can never be lost.
 */
export interface Store extends AsyncDisposable {
  /** The newest committed revision. */
  currentRevision(): Promise<Revision>;

  /**
   * The value at `key`, now or as of `revision`; undefined when there was none.
   *
   * @throws {CompactedError}      `revision` is older than the last compaction
   * @throws {FutureRevisionError} `revision` has not happened yet
   */
  get(key: string, options?: { readonly revision?: Revision }): Promise<KeyValue | undefined>;

  /**
   * One page of the keys that start with `prefix`, in key order.
   *
   * @throws {CompactedError}      as for {@link get}
   * @throws {FutureRevisionError} as for {@link get}
   */
  list(prefix: string, options?: ListOptions): Promise<ListResult>;

  /** How many keys start with `prefix` now. */
  count(prefix: string): Promise<number>;

  /**
   * Puts a value where there is none. The store keeps `value` itself: never modify it afterwards. The
   * same holds for {@link update}.
   *
   * @throws {LeaseNotFoundError} `options.lease` does not exist or ran out
   * @throws {StoreWriteError}    nothing was written; as for every call that writes
   */
  create(key: string, value: Uint8Array, options?: WriteOptions): Promise<CreateOutcome>;

  /** Replaces the value if the key is still at `expected`; `undefined` replaces whatever is there. */
  update(
    key: string,
    value: Uint8Array,
    expected: Revision | undefined,
    options?: WriteOptions,
  ): Promise<UpdateOutcome>;

  /** Removes the key if it is still at `expected`; `undefined` removes whatever is there. */
  delete(key: string, expected?: Revision): Promise<DeleteOutcome>;

  /**
   * Every change below `prefix` after `options.after`, once, in order, in batches that never split a
   * commit. A watcher that reads slowly falls back to the log; it is never dropped and never delays
   * another. The iteration ends when `signal` fires.
   *
   * @throws {CompactedError}      the iteration throws it when changes it still needs were compacted
   * @throws {FutureRevisionError} `options.after` has not happened yet
   */
  watch(prefix: string, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchBatch>;

  /**
   * A lease of `ttlSeconds` (1 to 9_000_000_000). Keys written with it are deleted, as ordinary
   * deletions with a revision, when it runs out.
   */
  grantLease(ttlSeconds: number): Promise<LeaseId>;

  /**
   * Forgets the changes up to and including `revision`. What each key held at `revision` stays readable;
   * a revision that was compacted before is no error. Resolves when the space is free again, which
   * happens bit by bit beside other work.
   *
   * @throws {FutureRevisionError} `revision` has not happened yet
   */
  compact(revision: Revision): Promise<void>;

  status(): Promise<StoreStatus>;

  /** Finishes the writes under way, ends every watch and lets go of files and sockets. */
  close(): Promise<void>;
}

/** Grows with every committed write and never goes back; a whole number below 2^53. */
export type Revision = number;
/** Names a lease of this store; 0 is none. */
export type LeaseId = number;

export interface KeyValue {
  readonly key: string;
  /** Never modified after it was handed out. */
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Writes since the key was created; 1 for a new key. */
  readonly version: number;
  /** 0 without a lease. */
  readonly lease: LeaseId;
}

export interface ListOptions {
  /** Read as of this revision; the newest when left out. */
  readonly revision?: Revision;
  /** Most entries in the page; 0 or left out for all. */
  readonly limit?: number;
  /** Start after this key (exclusive); for the pages after the first. */
  readonly after?: string;
}

export interface ListResult {
  readonly items: readonly KeyValue[];
  /** The revision the page shows: `options.revision`, or the newest committed one. */
  readonly revision: Revision;
  /** True when `limit` left keys out. */
  readonly hasMore: boolean;
  /** Keys after this page; exact. */
  readonly remaining: number;
}

export interface WriteOptions {
  /** Ties the key to a lease; without it the key is permanent. */
  readonly lease?: LeaseId;
}

/** What came of a create: made, or taken already by what is there. */
export type CreateOutcome =
  | { readonly kind: 'created'; readonly revision: Revision }
  | { readonly kind: 'exists'; readonly current: KeyValue };

/** What came of an update under a condition on the revision; a conflict shows what is there instead. */
export type UpdateOutcome =
  | { readonly kind: 'updated'; readonly revision: Revision }
  | { readonly kind: 'conflict'; readonly current: KeyValue }
  | { readonly kind: 'missing' };

/** What came of a delete; `previous` is what the key held last. */
export type DeleteOutcome =
  | { readonly kind: 'deleted'; readonly revision: Revision; readonly previous: KeyValue }
  | { readonly kind: 'conflict'; readonly current: KeyValue }
  | { readonly kind: 'missing' };

export interface WatchOptions {
  /** Deliver changes with a revision greater than this. */
  readonly after: Revision;
  /**
   * Also deliver empty batches as the store's revision moves on without this prefix; each says that
   * everything up to its revision was delivered. `seldom`: some seconds late, so that a commit costs nothing
   * for those that watch something else.
   */
  readonly progress?: boolean | 'seldom';
}

export interface WatchBatch {
  /** In revision order. The same event objects are shared by all live watchers; never modify them. */
  readonly events: readonly StoreEvent[];
  /** Everything up to and including this revision has now been delivered. */
  readonly revision: Revision;
}

/** One committed change of one key. */
export type StoreEvent =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly kv: KeyValue;
      readonly previous: KeyValue | undefined;
      readonly revision: Revision;
    }
  | {
      readonly type: 'delete';
      readonly key: string;
      readonly previous: KeyValue;
      readonly revision: Revision;
    };

export interface StoreStatus {
  readonly revision: Revision;
  readonly compactedRevision: Revision;
  readonly keys: number;
  /** Bytes on disk, or held in memory for the backend that has no disk. */
  readonly sizeBytes: number;
  readonly leases: number;
  readonly watchers: number;
}

/** The asked revision was compacted away. The API turns it into 410 Gone. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
  readonly code = 'store/compacted';
  readonly compactedRevision: Revision;

  constructor(compactedRevision: Revision) {
    super(`the required revision has been compacted; the oldest that can be read is ${compactedRevision}`);
    this.compactedRevision = compactedRevision;
  }
}

/** The asked revision is newer than anything the store has. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
  readonly code = 'store/future-revision';
  readonly currentRevision: Revision;

  constructor(currentRevision: Revision) {
    super(`the required revision is a future revision; the newest is ${currentRevision}`);
    this.currentRevision = currentRevision;
  }
}

/** The lease a write names was never granted, or it ran out: nothing was written. */
export class LeaseNotFoundError extends Error {
  override readonly name = 'LeaseNotFoundError';
  readonly code = 'store/lease-not-found';

  constructor(lease: LeaseId) {
    super(`lease ${lease} does not exist`);
  }
}

/** The store was closed before the call. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError';
  readonly code = 'store/closed';

  constructor() {
    super('the store is closed');
  }
}

/** The disk is full, read-only or broken: nothing of the refused write was kept. */
export class StoreWriteError extends Error {
  override readonly name = 'StoreWriteError';
  readonly code = 'store/write';
}

/** The servers behind the store did not answer in time. A write may or may not have happened. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly code = 'store/unavailable';

  constructor(cause: unknown) {
    super('the store does not answer', { cause });
  }
}
