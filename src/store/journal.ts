import type { KeyVersion } from './key-history.ts';
import type { KeyValue, LeaseId, Revision, StoreEvent } from './store.ts';

/** One write: what the key history gets and what the watchers are told. */
export interface Change {
  readonly key: string;
  readonly version: KeyVersion;
  readonly event: StoreEvent;
}

export interface LeaseGrant {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** Wall time in milliseconds, because it has to mean something after a restart. */
  readonly expiresAtMs: number;
}

/** What one commit makes durable, all or nothing. */
export interface CommitBatch {
  readonly changes: readonly Change[];
  readonly granted: readonly LeaseGrant[];
  readonly ended: readonly LeaseId[];
}

/** A change as the log remembers it; enough to forget it. */
export interface LogHeader {
  readonly revision: Revision;
  readonly key: string;
  readonly isDelete: boolean;
  /** The put this change replaced; 0 when there was none. */
  readonly replaced: Revision;
}

/** A stretch of the log. */
export interface LogPage {
  readonly events: readonly StoreEvent[];
  /** Everything up to here was looked at. */
  readonly revision: Revision;
}

/**
 * Where a store keeps what must survive it: the part in which backends differ. Everything read is read
 * synchronously, so that a decision and what it rests on cannot drift apart.
 */
export interface Journal {
  /** Whether versions in the key history keep their value, because there is no other place for it. */
  readonly keepsValuesInHeap: boolean;
  /** Most changes of the newest past that are kept as ready events; a disk serves what is older. */
  readonly recentEventsMax: number;
  /** Most bytes of values in them. */
  readonly recentBytesMax: number;

  /**
   * Resolves once the batch survives a power cut. One call at a time.
   *
   * @throws {StoreWriteError} nothing of the batch was kept
   */
  commit(batch: CommitBatch): Promise<void>;

  /** The value written at `version.revision`. Called only for versions without `kv`. */
  read(key: string, version: KeyVersion): KeyValue;

  /** The committed changes after `after` up to `until` that are below `prefix`. */
  readLog(prefix: string, after: Revision, until: Revision): LogPage;

  /** Headers of the changes after `after` up to `until` that were not erased. */
  headers(after: Revision, until: Revision): readonly LogHeader[];

  /** Remembers that nothing older than `revision` may be read. */
  markCompacted(revision: Revision): Promise<void>;

  /** Erases changes; `sweptTo` says up to where compaction has worked, to go on there after a restart. */
  erase(revisions: readonly Revision[], sweptTo: Revision): Promise<void>;

  sizeBytes(): number;
  close(): Promise<void>;
}
