// The victim of the store's crash test: writes as fast as it can and notes every answer it got, until it is
// killed. Arguments: data directory, file for the notes, seed.
import { openSync, writeSync } from 'node:fs';
import { SystemClock } from '#base/clock.ts';
import { SeededRandom } from '#base/random.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import { valueOf } from './acknowledged-write.ts';

const WRITERS = 32;
const KEYS = 300;

const [directory = '', notesPath = '', seed = '0'] = process.argv.slice(2);
const random = new SeededRandom(Number(seed));
// Written to a file, not a pipe: the page cache outlives this process and nobody has to keep up with it.
const notes = openSync(notesPath, 'a');
const store = await LmdbStore.open(directory, { clock: new SystemClock() });
const startRevision = await store.currentRevision();
writeSync(notes, 'ready\n');

await Promise.all([compact(), ...Array.from({ length: WRITERS }, () => write())]);

/** Compacts what came before this run, while it is being written to. */
async function compact(): Promise<void> {
  const { compactedRevision } = await store.status();
  const target = compactedRevision + random.int(startRevision - compactedRevision + 1);
  await store.compact(target);
  writeSync(notes, `compacted ${target}\n`);
}

async function write(): Promise<never> {
  const lease = await store.grantLease(3_600);
  for (;;) {
    const key = `/registry/things/${random.int(KEYS)}`;
    const tag = String(random.int(2 ** 30));
    const value = valueOf(tag, random.int(20) === 0 ? 20_000 : random.int(1_500));
    const options = random.int(4) === 0 ? { lease } : {};
    const choice = random.int(10);
    if (choice < 4) {
      const outcome = await store.create(key, value, options);
      note(outcome.kind === 'created' ? outcome.revision : undefined, key, tag);
    } else if (choice < 8) {
      const outcome = await store.update(key, value, undefined, options);
      note(outcome.kind === 'updated' ? outcome.revision : undefined, key, tag);
    } else {
      const outcome = await store.delete(key);
      note(outcome.kind === 'deleted' ? outcome.revision : undefined, key, '-');
    }
  }
}

function note(revision: number | undefined, key: string, tag: string): void {
  if (revision !== undefined) {
    writeSync(notes, `wrote ${revision} ${key} ${tag}\n`);
  }
}
