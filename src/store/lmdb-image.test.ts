import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { utf8Decode, utf8Encode } from '#base/bytes.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { copyStore, readImage, writeImage } from './lmdb-image.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { CompactedError, type Store } from './store.ts';

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-image-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

/** Puts, changes and deletes; ends at a deletion, whose revision no key has. */
async function fill(store: Store): Promise<void> {
  for (const key of ['/a', '/b', '/c']) {
    await store.create(key, utf8Encode(`${key} 1`));
  }
  const { modRevision } = (await store.get('/b')) ?? { modRevision: 0 };
  await store.update('/b', utf8Encode('/b 2'), modRevision);
  await store.delete('/c');
}

async function contents(store: Store): Promise<readonly unknown[]> {
  const { items } = await store.list('');
  return [
    await store.currentRevision(),
    ...items.map(({ key, value, createRevision, modRevision, version }) => [
      key,
      utf8Decode(value),
      createRevision,
      modRevision,
      version,
    ]),
  ];
}

test('store image: what memory holds is on disk with the same revisions, and back in memory', async (t) => {
  const directory = join(await temporaryDirectory(t), 'store');
  const clock = new VirtualClock();
  await using memory = new MemoryStore({ clock });
  await fill(memory);
  await writeImage(memory.image(), directory);
  const wanted = await contents(memory);
  {
    await using disk = await LmdbStore.open(directory, { clock });
    assert.deepEqual(await contents(disk), wanted);
    await assert.rejects(disk.get('/b', { revision: 2 }), CompactedError);
  }
  await using again = new MemoryStore({ clock }, await readImage(directory));
  assert.deepEqual(await contents(again), wanted);
  const created = await again.create('/d', utf8Encode('new'));
  assert.deepEqual(created, { kind: 'created', revision: Number(wanted[0]) + 1 });
});

test('store image: an open store is copied as it is at one moment', async (t) => {
  const directory = await temporaryDirectory(t);
  const clock = new VirtualClock();
  await using store = await LmdbStore.open(join(directory, 'store'), { clock });
  await fill(store);
  const wanted = await contents(store);
  await copyStore(join(directory, 'store'), join(directory, 'copy'));
  await store.create('/later', utf8Encode('x'));
  await using copy = await LmdbStore.open(join(directory, 'copy'), { clock });
  assert.deepEqual(await contents(copy), wanted);
});
