import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { nextTurn } from '#base/next-turn.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from './memory-store.ts';
import type { StoreEvent, WatchBatch } from './store.ts';

const VALUE = utf8Encode('x');

function memoryStore(): MemoryStore {
  return new MemoryStore({ clock: new VirtualClock() });
}

/** Follows a prefix from now on and remembers the batches. */
async function follow(
  store: MemoryStore,
  prefix: string,
  signal: AbortSignal,
  progress = false,
): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [];
  for await (const batch of store.watch(prefix, { after: await store.currentRevision(), progress }, signal)) {
    batches.push(batch);
  }
  return batches;
}

test('watch: live watchers are handed the same event objects', async () => {
  await using store = memoryStore();
  const controller = new AbortController();
  const prefixes = ['', '/a/', '/a/', '/a/1'];
  const watches = prefixes.map((prefix) => follow(store, prefix, controller.signal));
  await nextTurn();
  await store.create('/a/1', VALUE);
  await nextTurn();
  controller.abort();
  const events = (await Promise.all(watches)).map((batches) => batches[0]?.events[0]);
  assert.ok(events[0]);
  assert.equal(new Set<StoreEvent | undefined>(events).size, 1);
});

test('watch: writes answered together arrive as one batch, and the writer is answered first', async () => {
  await using store = memoryStore();
  const controller = new AbortController();
  const order: string[] = [];
  const watching = (async () => {
    for await (const batch of store.watch('/a/', { after: 1 }, controller.signal)) {
      order.push(batch.events.map((event) => event.key).join(' '));
    }
  })();
  await nextTurn();
  await Promise.all(
    ['/a/1', '/b/1', '/a/2'].map((key) => store.create(key, VALUE).then(() => order.push(`wrote ${key}`))),
  );
  await nextTurn();
  controller.abort();
  await watching;
  assert.deepEqual(order, ['wrote /a/1', 'wrote /b/1', 'wrote /a/2', '/a/1 /a/2']);
});

test('watch: one that does not read costs others nothing and misses nothing', async () => {
  await using store = memoryStore();
  const controller = new AbortController();
  const stuck = store.watch('/a/', { after: 1 }, controller.signal)[Symbol.asyncIterator]();
  const first = stuck.next();
  await store.create('/a/0', VALUE);
  const seen = [...((await first).value?.events ?? [])];
  const brisk = follow(store, '/a/', controller.signal);
  for (let i = 1; i <= 5_000; i++) {
    await store.create(`/a/${i}`, VALUE);
  }
  while (seen.length < 5_001) {
    const { value } = await stuck.next();
    assert.ok((value?.events.length ?? 0) <= 1_000, 'what waits for a watcher is bounded');
    seen.push(...(value?.events ?? []));
  }
  controller.abort();
  assert.deepEqual(
    seen.map((event) => event.key),
    Array.from({ length: 5_001 }, (_, i) => `/a/${i}`),
  );
  assert.equal((await brisk).flatMap((batch) => batch.events).length, 5_000);
});

test('watch: only a watcher that needs what was compacted is turned away', async () => {
  await using store = memoryStore();
  const controller = new AbortController();
  const open = () => store.watch('/a/', { after: 1 }, controller.signal)[Symbol.asyncIterator]();
  const lagging = open();
  const current = open();
  const heads = [lagging.next(), current.next()];
  await store.create('/a/first', VALUE);
  await Promise.all(heads);
  const currentSaw: StoreEvent[] = [];
  for (let i = 0; i < 2_500; i++) {
    await store.create(`/a/${i}`, VALUE);
    currentSaw.push(...((await current.next()).value?.events ?? []));
  }
  await store.compact(2_400);
  assert.equal(currentSaw.length, 2_500);
  const queued = await lagging.next();
  assert.equal(queued.value?.events.length, 1_000, 'what was queued before is still delivered');
  await assert.rejects(lagging.next(), { code: 'store/compacted' });
  const last = current.next();
  await store.create('/a/last', VALUE);
  assert.equal((await last).value?.events[0]?.key, '/a/last');
  controller.abort();
});

test('watch: progress is reported without events, and only to who asked', async () => {
  await using store = memoryStore();
  const controller = new AbortController();
  const asked = follow(store, '/a/', controller.signal, true);
  const silent = follow(store, '/a/', controller.signal);
  await nextTurn();
  for (let i = 0; i < 100; i++) {
    await store.create(`/b/${i}`, VALUE);
  }
  await nextTurn();
  await nextTurn();
  controller.abort();
  const batches = await asked;
  assert.equal(batches.at(-1)?.revision, 101);
  assert.ok(batches.length < 10, 'progress is reported by turns of the event loop, not by writes');
  assert.ok(batches.every(({ events }) => events.length === 0));
  assert.deepEqual(await silent, []);
});

test('watch: ends when its signal fires, when its reader leaves, and when the store closes', async () => {
  const store = memoryStore();
  const aborted = new AbortController();
  const kept = new AbortController();
  const first = follow(store, '/', aborted.signal);
  const second = follow(store, '/', kept.signal);
  const leaving = (async () => {
    for await (const _batch of store.watch('/', { after: 1 }, kept.signal)) {
      break;
    }
  })();
  await nextTurn();
  assert.equal((await store.status()).watchers, 3);
  aborted.abort();
  await first;
  await store.create('/a', VALUE);
  await leaving;
  assert.equal((await store.status()).watchers, 1);
  assert.deepEqual(await follow(store, '/', AbortSignal.abort()), []);
  await store.close();
  assert.equal((await second).length, 1);
  await assert.rejects(store.get('/a'), { code: 'store/closed' });
});

test('watch: one whose reader went away without a word is let go when its signal fires', async () => {
  await using store = memoryStore();
  const controller = new AbortController();
  const left = store.watch('/', { after: 1 }, controller.signal)[Symbol.asyncIterator]();
  const first = left.next();
  await store.create('/a', VALUE);
  await first;
  await store.create('/b', VALUE);
  assert.equal((await store.status()).watchers, 1);
  controller.abort();
  assert.equal((await store.status()).watchers, 0);
  assert.equal((await left.next()).done, true, 'nothing is delivered after the end');
});
