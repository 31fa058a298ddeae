import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open as openEnvironment } from 'lmdb';
import { defined } from '#base/assert.ts';
import { checkDirectory, FORMAT_FILE } from './data-directory.ts';
import { EventWindow } from './event-window.ts';
import type { Change } from './journal.ts';
import { KeyHistory, rangeOf } from './key-history.ts';
import { LmdbJournal } from './lmdb-journal.ts';
import { stateOf } from './lmdb-store.ts';
import type { StoreState } from './sequenced-store.ts';

/** Changes in one commit: few enough that a transaction stays small. */
const CHANGES_PER_COMMIT = 1_000;

/**
 * Copies the store in `from` as it is at one moment to the new directory `to`, whether a program has it open or
 * not. The copy may be opened like any other store.
 *
 * @throws {StoreOpenError} `from` holds no store of this version
 */
export async function copyStore(from: string, to: string): Promise<void> {
  await checkDirectory(from);
  await mkdir(to, { recursive: true });
  // Reading takes a place in LMDB's table of readers for as long as it lasts, and disturbs no writer.
  const environment = openEnvironment({
    path: from,
    noSubdir: false,
    readOnly: true,
    encoding: 'binary',
    maxDbs: 4,
  });
  try {
    await environment.backup(to, true);
  } finally {
    await environment.close();
  }
  await copyFile(join(from, FORMAT_FILE), join(to, FORMAT_FILE));
}

/**
 * What the store in `directory` holds now, with all values on the heap; what was before is as if compacted.
 *
 * @throws {StoreOpenError} in use, of another version or damaged
 */
export async function readImage(directory: string): Promise<StoreState> {
  const journal = await LmdbJournal.open(directory);
  try {
    const { keys, revision, leases } = stateOf(journal);
    const present = new KeyHistory();
    for (const [key, version] of keys.page(rangeOf(''), Infinity).found) {
      const { value, ...rest } = journal.read(key, version);
      // The page the value lies on is gone when the file is closed.
      const kv = { ...rest, value: Uint8Array.from(value) };
      present.apply(key, { ...version, kv, previous: undefined });
    }
    return {
      keys: present,
      window: new EventWindow(revision + 1),
      revision,
      compactedRevision: revision,
      sweptRevision: revision,
      leases,
    };
  } finally {
    await journal.close();
  }
}

/**
 * Makes a store in the new directory `directory` that holds what a store in memory holds, with its revisions;
 * what was before is as if compacted.
 */
export async function writeImage({ keys, revision, leases }: StoreState, directory: string): Promise<void> {
  const changes = keys
    .page(rangeOf(''), Infinity)
    .found.map(([key, version]): Change => {
      const kv = defined(version.kv, 'the value of a version in memory');
      const event = { type: 'put', key, kv, previous: undefined, revision: version.revision } as const;
      return { key, version, event };
    })
    .toSorted((left, right) => left.version.revision - right.version.revision);
  const journal = await LmdbJournal.open(directory);
  try {
    await journal.commit({ changes: [], granted: leases, ended: [] });
    for (let start = 0; start < changes.length; start += CHANGES_PER_COMMIT) {
      const some = changes.slice(start, start + CHANGES_PER_COMMIT);
      await journal.commit({ changes: some, granted: [], ended: [] });
    }
    await journal.markCompacted(revision);
    await journal.erase([], revision);
  } finally {
    await journal.close();
  }
}
