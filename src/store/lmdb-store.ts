import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { StoreOpenError } from './data-directory.ts';
import { EventWindow } from './event-window.ts';
import { KeyHistory } from './key-history.ts';
import { LmdbJournal } from './lmdb-journal.ts';
import { SequencedStore, emptyState } from './sequenced-store.ts';
import type { StoreState } from './sequenced-store.ts';

export interface LmdbStoreDeps {
  readonly clock: Clock;
  readonly log?: Logger | undefined;
  /** False where a power cut may take everything, for tests; true when left out. */
  readonly isSynced?: boolean;
}

/** The store on this machine's disk: an answered write survives `kill -9` and a power cut. */
export class LmdbStore extends SequencedStore {
  /**
   * Opens the store in `directory`, or makes one there; only one process may have it open.
   *
   * @throws {StoreOpenError} in use, of another version, damaged or not writable; one sentence says which
   */
  static async open(directory: string, deps: LmdbStoreDeps): Promise<LmdbStore> {
    const journal = await LmdbJournal.open(directory, deps.isSynced);
    let state: StoreState;
    try {
      state = stateOf(journal);
    } catch (error) {
      await journal.close();
      throw new StoreOpenError(`the log in ${directory} is damaged; restore it from a backup`, {
        cause: error,
      });
    }
    return new LmdbStore(deps, journal, state);
  }
}

/** Rebuilds from the log what the store keeps on the heap. */
export function stateOf(journal: LmdbJournal): StoreState {
  const empty = emptyState();
  const keys = new KeyHistory();
  let revision = Math.max(empty.revision, journal.compactedRevision);
  for (const record of journal.records()) {
    revision = Math.max(revision, record.revision);
    keys.apply(record.key, {
      revision: record.revision,
      createRevision: record.createRevision,
      version: record.version,
      lease: record.lease,
      size: record.size,
      kv: undefined,
      previous: keys.newest(record.key),
    });
  }
  return {
    keys,
    window: new EventWindow(revision + 1),
    revision,
    compactedRevision: journal.compactedRevision,
    sweptRevision: Math.max(empty.sweptRevision, journal.sweptRevision),
    leases: journal.leases(),
  };
}
