import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from './memory-store.ts';
import type { WatchOptions } from './store.ts';

/** What a watch of a key that nobody writes hears, as the times in seconds at which it does. */
async function heardAt(progress: NonNullable<WatchOptions['progress']>): Promise<readonly number[]> {
  const clock = new VirtualClock();
  await using store = new MemoryStore({ clock });
  const ending = new AbortController();
  const heard: number[] = [];
  const watching = (async () => {
    const after = await store.currentRevision();
    for await (const { events } of store.watch('/quiet', { after, progress }, ending.signal)) {
      assert.deepEqual(events, []);
      heard.push(clock.monotonicMs() / 1000);
    }
  })();
  await clock.settle();
  heard.length = 0;
  for (const second of [1, 2, 3]) {
    await clock.advance(1_000);
    await store.create(`/loud/${second}`, utf8Encode('x'));
  }
  await clock.advance(60_000);
  ending.abort();
  await watching;
  return heard;
}

test('watch progress: at once, seldom or never, as it was asked for', async () => {
  assert.deepEqual(await heardAt(true), [1, 2, 3]);
  assert.deepEqual(await heardAt('seldom'), [11], 'once for all that happened meanwhile, and then no more');
  assert.deepEqual(await heardAt(false), []);
});
