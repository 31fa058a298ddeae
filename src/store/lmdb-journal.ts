import { statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { open as openEnvironment } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { AssertionError, assert, defined } from '#base/assert.ts';
import { EMPTY_BYTES } from '#base/bytes.ts';
import { nextTurn } from '#base/next-turn.ts';
import { FIRST_REVISION } from './change-log.ts';
import { DATA_FILE, StoreOpenError, cannotUse, checkDirectory, writeFormat } from './data-directory.ts';
import { decodeRecord, encodeRecord } from './log-record.ts';
import { SpaceReserve } from './space-reserve.ts';
import { StoreWriteError } from './store.ts';
import type { CommitBatch, Journal, LeaseGrant, LogHeader, LogPage } from './journal.ts';
import type { KeyVersion } from './key-history.ts';
import type { LogRecord } from './log-record.ts';
import type { KeyValue, Revision, StoreEvent } from './store.ts';

type Table<K extends number | string> = Database<Uint8Array, K>;

interface Tables {
  readonly environment: RootDatabase<Uint8Array, number>;
  readonly log: Table<number>;
  readonly values: Table<number>;
  readonly leases: Table<number>;
  readonly about: Table<string>;
}

/** Address space for the map, not memory or disk: growing beyond it works, but maps the file anew. */
const MAP_SIZE_BYTES = 2 ** 30;

/** Newest changes kept as ready events: a few seconds of a busy cluster. */
const RECENT_EVENTS_MAX = 10_000;
const RECENT_BYTES_MAX = 32 * 2 ** 20;

const PAGE_BYTES = 4_096;
/** Leaves that one change may alter: one of the log, and of the values one and the end of a long value. */
const PAGES_PER_CHANGE = 3;
/** More than the inner pages of all trees and the list of free pages that a transaction may alter. */
const TREE_BYTES = 64 * PAGE_BYTES;
/** Left to compaction when there is no more room for writes. */
const KEPT_FREE_BYTES = 2 ** 19;

const READ_ONLY = 'the store can only be read until it is opened again';

/** Directories this process has open. The lock on disk tells processes apart, not two stores in one. */
const openHere = new Set<string>();

/**
 * The log on disk:
 *
 *     log     revision -> what changed, without the value (log-record.ts)
 *     values  revision -> the value put, byte for byte
 *     leases  id -> seconds to live, wall time of its end
 *     about   how far history is compacted, and how far that work is done
 *
 * Both big tables only ever grow at their end, which fills pages completely and touches few of them per
 * commit; small records apart from the values are what makes opening a large store quick.
 *
 * LMDB runs in its plain mode, in which a commit syncs the pages and then the meta page before it is
 * reported. The mode that overlaps the syncs reports earlier than the data is safe.
 */
export class LmdbJournal implements Journal {
  readonly keepsValuesInHeap = false;
  readonly recentEventsMax = RECENT_EVENTS_MAX;
  readonly recentBytesMax = RECENT_BYTES_MAX;
  readonly #directory: string;
  readonly #environment: RootDatabase<Uint8Array, number>;
  readonly #log: Table<number>;
  readonly #values: Table<number>;
  readonly #leases: Table<number>;
  readonly #about: Table<string>;
  readonly #space: SpaceReserve;
  /** The write under way; the next one waits for it, so that a failure hits only its own. */
  #writing: Promise<void> = Promise.resolve();
  /** Set when LMDB will not write again before it is opened anew. */
  #broken: StoreWriteError | undefined;

  private constructor(directory: string, tables: Tables, space: SpaceReserve) {
    this.#directory = directory;
    this.#environment = tables.environment;
    this.#log = tables.log;
    this.#values = tables.values;
    this.#leases = tables.leases;
    this.#about = tables.about;
    this.#space = space;
  }

  /**
   * Opens the store in `directory`, or makes one there.
   *
   * @param isSynced false where a power cut may take everything: nothing waits for the disk
   * @throws {StoreOpenError}
   */
  static async open(directory: string, isSynced = true): Promise<LmdbJournal> {
    const { isNew } = await checkDirectory(directory);
    const path = await realpath(directory);
    if (openHere.has(path)) {
      throw inUse(directory);
    }
    openHere.add(path);
    let tables: Tables | undefined;
    try {
      tables = openTables(path, isSynced);
      if (isOpenElsewhere(tables)) {
        throw inUse(directory);
      }
      if (isNew) {
        await writeFormat(path);
      }
      return new LmdbJournal(path, tables, await SpaceReserve.open(join(path, DATA_FILE)));
    } catch (error) {
      await tables?.environment.close();
      openHere.delete(path);
      throw error instanceof StoreOpenError ? error : cannotUse(directory, error);
    }
  }

  /** Every change on disk, oldest first. */
  *records(): Generator<LogRecord & { readonly revision: Revision }, undefined> {
    for (const { key, value } of this.#log.getRange()) {
      yield { revision: key, ...decodeRecord(asBuffer(value)) };
    }
  }

  get compactedRevision(): Revision {
    return readNumber(this.#about.getBinary('compacted'));
  }

  get sweptRevision(): Revision {
    return readNumber(this.#about.getBinary('swept'));
  }

  leases(): LeaseGrant[] {
    return Array.from(this.#leases.getRange(), ({ key, value }) => ({
      id: key,
      ttlSeconds: asBuffer(value).readDoubleLE(0),
      expiresAtMs: asBuffer(value).readDoubleLE(8),
    }));
  }

  commit(batch: CommitBatch): Promise<void> {
    const values = batch.changes.reduce(
      (sum, { version }) => sum + version.size + PAGES_PER_CHANGE * PAGE_BYTES,
      0,
    );
    const leases = (batch.granted.length + batch.ended.length) * PAGE_BYTES;
    // Made before the transaction begins: what throws in the middle of one would leave half of it behind.
    const records = batch.changes.map(encodeRecord);
    const grants = batch.granted.map(({ ttlSeconds, expiresAtMs }) => encodeNumbers(ttlSeconds, expiresAtMs));
    return this.#write(values + leases + KEPT_FREE_BYTES, () => {
      const placed: Promise<boolean>[] = [];
      for (const [index, { version, event }] of batch.changes.entries()) {
        placed.push(append(this.#log, version.revision, defined(records[index], 'a record for each change')));
        if (event.type === 'put' && version.size > 0) {
          placed.push(append(this.#values, version.revision, event.kv.value));
        }
      }
      for (const [index, { id }] of batch.granted.entries()) {
        placed.push(this.#leases.put(id, defined(grants[index], 'a record for each lease')));
      }
      for (const id of batch.ended) {
        void this.#leases.remove(id);
      }
      return placed;
    });
  }

  read(key: string, version: KeyVersion): KeyValue {
    return {
      key,
      value: this.#value(version.revision, version.size),
      createRevision: version.createRevision,
      modRevision: version.revision,
      version: version.version,
      lease: version.lease,
    };
  }

  readLog(prefix: string, after: Revision, until: Revision): LogPage {
    const events: StoreEvent[] = [];
    let next = Math.max(after + 1, FIRST_REVISION);
    for (const { key: revision, value } of this.#log.getRange({ start: next, end: until + 1 })) {
      assert(revision === next, 'the log has no gaps after what was compacted');
      next += 1;
      const record = decodeRecord(asBuffer(value));
      if (record.key.startsWith(prefix)) {
        events.push(this.#event(revision, record));
      }
    }
    assert(next === until + 1, 'everything committed is in the log');
    return { events, revision: until };
  }

  headers(after: Revision, until: Revision): readonly LogHeader[] {
    return Array.from(
      this.#log.getRange({ start: after + 1, end: until + 1 }),
      ({ key: revision, value }) => {
        const { key, isDelete, replaced } = decodeRecord(asBuffer(value));
        return { revision, key, isDelete, replaced };
      },
    );
  }

  markCompacted(revision: Revision): Promise<void> {
    return this.#write(0, () => [this.#about.put('compacted', encodeNumbers(revision))]);
  }

  erase(revisions: readonly Revision[], sweptTo: Revision): Promise<void> {
    // Erasing may use what writes leave free, so that compaction still works on a full disk.
    return this.#write(revisions.length * PAGES_PER_CHANGE * PAGE_BYTES, () => {
      for (const revision of revisions) {
        void this.#log.remove(revision);
        void this.#values.remove(revision);
      }
      return [this.#about.put('swept', encodeNumbers(sweptTo))];
    });
  }

  sizeBytes(): number {
    return statSync(join(this.#directory, DATA_FILE)).size;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#environment.close();
    await this.#space.close();
    openHere.delete(this.#directory);
  }

  /** @param bytes the most that the pages changed by `puts` take, besides the upper ones of each tree */
  #write(bytes: number, puts: () => readonly Promise<boolean>[]): Promise<void> {
    const written = this.#writeAfter(this.#writing, bytes, puts);
    this.#writing = written.catch((error: unknown) => void error);
    return written;
  }

  async #writeAfter(
    previous: Promise<void>,
    bytes: number,
    puts: () => readonly Promise<boolean>[],
  ): Promise<void> {
    await previous;
    if (this.#broken !== undefined) {
      throw this.#broken;
    }
    try {
      await this.#space.ensure(bytes + TREE_BYTES);
    } catch (error) {
      throw await toWriteError(error);
    }
    let results: readonly boolean[];
    try {
      let placed: readonly Promise<boolean>[] = [];
      const committed = this.#environment.batch(() => {
        placed = puts();
      });
      results = await Promise.all([committed, ...placed]);
    } catch (error) {
      const failure = await toWriteError(error);
      await this.#checkUsable();
      throw failure;
    }
    if (!results.every(Boolean)) {
      this.#broken = new StoreWriteError(READ_ONLY);
      throw new AssertionError('a put found its revision taken; disk and heap no longer agree');
    }
  }

  /** After an error in the meta page LMDB refuses to go on, and its writer thread would wait for ever. */
  async #checkUsable(): Promise<void> {
    await nextTurn();
    try {
      this.#environment.transactionSync(() => undefined);
    } catch (error) {
      this.#broken = new StoreWriteError(READ_ONLY, { cause: error });
    }
  }

  #event(revision: Revision, record: LogRecord): StoreEvent {
    const { key, isDelete, replaced } = record;
    const previous = replaced === 0 ? undefined : this.#entry(replaced);
    return isDelete
      ? { type: 'delete', key, previous: defined(previous, 'the entry that was deleted'), revision }
      : { type: 'put', key, kv: this.#entryOf(revision, record), previous, revision };
  }

  #entry(revision: Revision): KeyValue {
    const record = defined(this.#log.getBinary(revision), 'the record of a put that was not compacted');
    return this.#entryOf(revision, decodeRecord(asBuffer(record)));
  }

  #entryOf(revision: Revision, record: LogRecord): KeyValue {
    const { key, createRevision, version, lease, size } = record;
    return { key, value: this.#value(revision, size), createRevision, modRevision: revision, version, lease };
  }

  #value(revision: Revision, size: number): Uint8Array {
    if (size === 0) {
      return EMPTY_BYTES;
    }
    // A copy: the page the value lies on may be reused once it is compacted.
    let value = this.#values.getBinary(revision);
    if (value === undefined) {
      // The snapshot of this turn of the event loop is older than the commit.
      this.#environment.resetReadTxn();
      value = this.#values.getBinary(revision);
    }
    assert(value?.length === size, 'the value of a committed put is on disk');
    return value;
  }
}

function openTables(directory: string, isSynced: boolean): Tables {
  const environment = openEnvironment<Uint8Array, number>({
    path: directory,
    // A path that looks like a file name would otherwise be taken for one.
    noSubdir: false,
    encoding: 'binary',
    maxDbs: 4,
    mapSize: MAP_SIZE_BYTES,
    overlappingSync: false,
    noSync: !isSynced,
    eventTurnBatching: false,
  });
  // One transaction for all, because each one that changes something is synced.
  return environment.transactionSync(() => ({
    environment,
    log: environment.openDB<Uint8Array, number>('log', { encoding: 'binary' }),
    values: environment.openDB<Uint8Array, number>('values', { encoding: 'binary' }),
    leases: environment.openDB<Uint8Array, number>('leases', { encoding: 'binary' }),
    about: environment.openDB<Uint8Array, string>('about', { encoding: 'binary' }),
  }));
}

/**
 * Each process that has the files open holds a slot in LMDB's reader table, and the kernel frees the
 * slots of the dead. Two that start at once both see each other, so at most one goes on.
 */
function isOpenElsewhere({ environment, about }: Tables): boolean {
  // Reading is what takes our own slot.
  about.getBinary('compacted');
  environment.readerCheck();
  const pids = environment
    .readerList()
    .split('\n')
    .map((line) => Number(/^\s*(\d+)\s/.exec(line)?.[1] ?? process.pid));
  return pids.some((pid) => pid !== process.pid);
}

/**
 * Appending fills pages to the last byte; in the middle of a table they would stay half empty.
 *
 * @returns false when `key` is not above all others, which would be a bug
 */
function append(table: Table<number>, key: number, value: Uint8Array): Promise<boolean> {
  return table.put(key, value, APPEND);
}

/** The library takes options in the place of the version; its types know only the version. */
const APPEND = { append: true } as unknown as number;

function inUse(directory: string): StoreOpenError {
  return new StoreOpenError(
    `the data directory ${directory} is in use by another Coracle; stop that one first`,
  );
}

async function toWriteError(error: unknown): Promise<StoreWriteError> {
  let cause = error;
  if (error instanceof Error && 'commitError' in error) {
    try {
      await error.commitError;
    } catch (commitError) {
      cause = commitError;
    }
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreWriteError(`the disk did not take the write: ${reason}`, { cause });
}

function encodeNumbers(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 8);
  numbers.forEach((number, index) => bytes.writeDoubleLE(number, index * 8));
  return bytes;
}

function readNumber(bytes: Buffer | undefined): number {
  return bytes?.readDoubleLE(0) ?? 0;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
