import type { LeaseGrant } from './journal.ts';
import type { KeyRange } from './key-history.ts';
import type { KeyValue, LeaseId, ListResult, Revision, Store } from './store.ts';

/**
 * What a store on this machine can do beyond the port: enough to be served as an etcd.
 *
 * A transaction takes one revision for each of its changes, where etcd takes one for all of them. It is
 * durable as a whole or not at all, and no reader sees a part of it.
 */
export interface TransactionalStore extends Store {
  /**
   * Runs `body` in one step on the newest state, writes that wait for their commit included, and resolves
   * once all it did and all it saw is durable. A body that throws must not have written before.
   */
  transact<T>(body: (txn: StoreTransaction) => T): Promise<T>;

  /** As {@link Store.list}, over any range. */
  listRange(range: KeyRange, options?: RangeOptions): Promise<ListResult>;

  /**
   * As {@link Store.grantLease}, under a number that the caller chooses.
   *
   * @throws {LeaseExistsError}
   */
  grantLease(ttlSeconds: number, wanted?: LeaseId): Promise<LeaseId>;

  /** Starts a lease's countdown again; its length in seconds, or undefined when there is no such lease. */
  renewLease(id: LeaseId): Promise<number | undefined>;

  /** Ends a lease and deletes its keys; false when there is no such lease. */
  revokeLease(id: LeaseId): Promise<boolean>;

  leases(): readonly LeaseGrant[];

  leaseKeys(id: LeaseId): readonly string[];
}

export interface StoreTransaction {
  /** The newest revision given out; that of the last write once the transaction has written. */
  readonly revision: Revision;
  get(key: string): KeyValue | undefined;
  range(range: KeyRange): readonly KeyValue[];
  isLeaseUsable(id: LeaseId): boolean;
  /** `lease` has to be usable, or 0. */
  put(key: string, value: Uint8Array, lease: LeaseId): void;
  /** Deletes the key if it exists. */
  delete(key: string): void;
}

export interface RangeOptions {
  /** Read as of this revision; the newest when left out. */
  readonly revision?: Revision;
  /** Most entries; 0 or left out for all. */
  readonly limit?: number;
}

/** A lease of that number was granted before and has not ended. */
export class LeaseExistsError extends Error {
  override readonly name = 'LeaseExistsError';
  readonly code = 'store/lease-exists';

  constructor(lease: LeaseId) {
    super(`lease ${lease} exists already`);
  }
}
