import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsRegistry } from '#base/metrics.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { WorkQueue } from './work-queue.ts';

function setUp() {
  const clock = new VirtualClock();
  const metrics = new MetricsRegistry();
  return { clock, metrics, queue: new WorkQueue({ name: 'test', clock, metrics }) };
}

test('work queue: a key added three times waits once, in order of first adding', async () => {
  const { queue } = setUp();
  for (const key of ['a', 'b', 'a', 'a']) {
    queue.add(key);
  }
  assert.deepEqual([await queue.take(), await queue.take(), queue.size], ['a', 'b', 0]);
});

test('work queue: a key added while worked on is handed out after done, once', async () => {
  const { queue } = setUp();
  queue.add('a');
  const key = await queue.take();
  queue.add('a');
  queue.add('a');
  assert.equal(queue.size, 0);
  queue.done(key ?? '');
  assert.equal(await queue.take(), 'a');
  queue.done('a');
  assert.equal(queue.isIdle, true);
});

test('work queue: failures double the delay from 5 ms to 1000 s', async () => {
  const { queue, clock } = setUp();
  const delays: number[] = [];
  for (let failure = 0; failure < 20; failure++) {
    const startMs = clock.monotonicMs();
    queue.addRateLimited('a');
    await clock.advance((clock.nextDueMs() ?? 0) - clock.nowMs());
    queue.done((await queue.take()) ?? '');
    delays.push(clock.monotonicMs() - startMs);
  }
  assert.deepEqual(delays.slice(0, 5), [5, 10, 20, 40, 80]);
  assert.deepEqual(delays.slice(17), [655_360, 1_000_000, 1_000_000]);
  queue.forget('a');
  assert.equal(queue.failures('a'), 0);
});

test('work queue: retries of many keys are spread at ten a second after a burst of a hundred', async () => {
  const { queue, clock } = setUp();
  for (let index = 0; index < 120; index++) {
    queue.addRateLimited(`key-${index}`);
  }
  await clock.advance(10);
  assert.equal(queue.size, 100);
  await clock.advance(1_000);
  assert.equal(queue.size, 110);
});

test('work queue: the shortest of several delays counts', async () => {
  const { queue, clock } = setUp();
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 10);
  queue.addAfter('a', 500);
  await clock.advance(10);
  assert.equal(queue.size, 1);
  queue.done((await queue.take()) ?? '');
  await clock.advance(2_000);
  assert.equal(queue.size, 0);
});

test('work queue: closing ends waiting workers and forgets what is delayed', async () => {
  const { queue, clock } = setUp();
  const waiting = queue.take();
  queue.addAfter('a', 10);
  queue.close();
  assert.equal(await waiting, undefined);
  assert.equal(clock.nextDueMs(), undefined);
  queue.add('b');
  assert.equal(await queue.take(), undefined);
});

test('work queue: metrics carry the queue name', async () => {
  const { queue, metrics, clock } = setUp();
  queue.add('a');
  assert.match(metrics.render(), /workqueue_depth\{name="test"\} 1/);
  await clock.advance(50);
  queue.done((await queue.take()) ?? '');
  const text = metrics.render();
  assert.match(text, /workqueue_adds_total\{name="test"\} 1/);
  assert.match(text, /workqueue_queue_duration_seconds_bucket\{name="test",le="0.01"\} 0/);
  assert.match(text, /workqueue_queue_duration_seconds_bucket\{name="test",le="0.1"\} 1/);
});
