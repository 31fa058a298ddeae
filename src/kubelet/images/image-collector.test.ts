import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { FakeRuntime } from '#runtime/fake-runtime.ts';
import { ImageCollector } from './image-collector.ts';

test('image collector: unused images go when the disk is full, oldest first, until it is no longer', async () => {
  const clock = new VirtualClock();
  const runtime = new FakeRuntime({ clock, random: new SeededRandom(1) });
  for (const name of ['one', 'two', 'three']) {
    runtime.images.add(`local/${name}:1`, { size: 6, pinned: name === 'one' });
  }
  let usedBytes = 50;
  const collector = new ImageCollector({
    clock,
    log: SILENT_LOGGER,
    runtime,
    images: runtime.images,
    imageFs: async () => ({ availableBytes: 100 - usedBytes, capacityBytes: 100, inodesFree: 1, inodes: 1 }),
  });
  const names = async (): Promise<string> =>
    (await runtime.images.listImages())
      .map(({ repoTags }) => /(\w+):1$/.exec(repoTags[0] ?? '')?.[1])
      .join(' ');
  await collector.collect();
  usedBytes = 86;
  await collector.collect();
  assert.equal(await names(), 'one two three', 'what was just pulled stays');
  await clock.advance(120_000);
  await collector.collect();
  assert.equal(await names(), 'one three');
  await collector.removeUnused();
  assert.equal(await names(), 'one');
});
