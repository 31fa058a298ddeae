import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { nextTurn } from '#base/next-turn.ts';
import { SeededRandom, SystemRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { showEvents } from './store-transcript.fixture.ts';
import type { Revision, Store } from './store.ts';

const SEED = Number(process.env['CORACLE_SEED'] ?? new SystemRandom().int(2 ** 31));
const WRITERS = 16;
const WRITES_EACH = 100;
const WATCHERS = 20;
const FOLDERS = ['/a/', '/b/', '/c/', '/'];
/** Written last, so that every watcher can tell when it has seen everything. */
const END = '/end';

test(`memory store: concurrent watchers all see one history (CORACLE_SEED=${SEED})`, async () => {
  await using store = new MemoryStore({ clock: new VirtualClock() });
  await writeAndWatch(store, new SeededRandom(SEED));
});

test(`lmdb store: concurrent watchers all see one history (CORACLE_SEED=${SEED})`, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-concurrency-'));
  t.after(() => rm(directory, { recursive: true }));
  await using store = await LmdbStore.open(directory, { clock: new VirtualClock() });
  await writeAndWatch(store, new SeededRandom(SEED));
});

interface Sighting {
  readonly revision: Revision;
  readonly key: string;
  readonly line: string;
}

interface Watched {
  readonly prefix: string;
  readonly after: Revision;
  readonly seen: Sighting[];
  /** Everything up to here was delivered. */
  delivered: Revision;
  isCompacted: boolean;
}

async function writeAndWatch(store: Store, random: SeededRandom): Promise<void> {
  const controller = new AbortController();
  const all: Watched[] = [];
  const follow = async (prefix: string, after: Revision, pauseTurns: number): Promise<void> => {
    const watched: Watched = { prefix, after, seen: [], delivered: after, isCompacted: false };
    all.push(watched);
    await read(store, watched, pauseTurns, controller.signal);
  };
  const watches = [follow('', 1, 0)];
  const writers = Array.from({ length: WRITERS }, () => write(store, random));
  for (let i = 0; i < WATCHERS; i++) {
    const after = 1 + random.int(await store.currentRevision());
    watches.push(follow(FOLDERS[random.int(FOLDERS.length)] ?? '', after, random.int(20)));
    for (let turn = 0; turn < 3; turn++) {
      await nextTurn();
    }
    if (i % 5 === 4) {
      await store.compact(Math.max((await store.currentRevision()) - 200, 1));
    }
  }
  await Promise.all(writers);
  await store.create(END, utf8Encode(''));
  const end = await store.currentRevision();
  while (all.some(({ delivered, isCompacted }) => delivered < end && !isCompacted)) {
    await nextTurn();
  }
  controller.abort();
  await Promise.all(watches);
  check(all, (await store.status()).compactedRevision);
}

async function read(store: Store, watched: Watched, pauseTurns: number, signal: AbortSignal): Promise<void> {
  try {
    for await (const batch of store.watch(watched.prefix, { after: watched.after, progress: true }, signal)) {
      const lines = showEvents(batch);
      watched.seen.push(
        ...batch.events.map(({ revision, key }, index) => ({ revision, key, line: lines[index] ?? '' })),
      );
      watched.delivered = batch.revision;
      for (let turn = 0; turn < pauseTurns; turn++) {
        await nextTurn();
      }
    }
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, 'store/compacted');
    watched.isCompacted = true;
  }
}

async function write(store: Store, random: SeededRandom): Promise<void> {
  for (let i = 0; i < WRITES_EACH; i++) {
    const key = `${FOLDERS[random.int(3)]}${random.int(10)}`;
    const value = utf8Encode(String(random.int(1_000)));
    if (random.int(4) === 0) {
      await store.delete(key);
    } else if ((await store.create(key, value)).kind === 'exists') {
      await store.update(key, value, undefined);
    }
  }
}

/** The first watcher saw everything; each other one must have seen its part of the same. */
function check([whole, ...others]: readonly Watched[], compacted: Revision): void {
  assert.ok(whole !== undefined && !whole.isCompacted);
  assert.deepEqual(
    whole.seen.map(({ revision }) => revision),
    Array.from({ length: whole.delivered - 1 }, (_, i) => i + 2),
  );
  for (const { prefix, after, seen, delivered, isCompacted } of others) {
    assert.ok(!isCompacted || delivered < compacted, 'only who needs what was compacted is turned away');
    const expected: readonly Sighting[] = whole.seen.filter(
      ({ key, revision }) => key.startsWith(prefix) && revision > after && revision <= delivered,
    );
    assert.deepEqual(seen, expected);
  }
}
