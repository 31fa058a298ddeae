import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { TimingWheel } from './timing-wheel.ts';

test('timing wheel: each item is due within a second of its time, whatever the distance', async () => {
  const delaysSeconds = [0, 1, 2, 59, 3_600, 4_095, 4_096, 4_097, 100_000, 1_000_000];
  const clock = new VirtualClock();
  const due: number[] = [];
  const wheel = new TimingWheel<number>(clock, (items) => due.push(...items));
  await clock.advance(123_456);
  for (const delay of delaysSeconds) {
    wheel.add(delay, delay * 1_000);
  }
  const startMs = clock.monotonicMs();
  for (const delay of delaysSeconds) {
    await clock.advance(startMs + delay * 1_000 - 1 - clock.monotonicMs());
    assert.ok(!due.includes(delay), `${delay} is not due early`);
    await clock.advance(1_001);
    assert.ok(due.includes(delay), `${delay} is due`);
  }
  assert.equal(due.length, delaysSeconds.length);
  assert.equal(clock.nextDueMs(), undefined, 'an empty wheel has no timer');
});

test('timing wheel: removed and moved items keep to it', async () => {
  const clock = new VirtualClock();
  const due: string[] = [];
  const wheel = new TimingWheel<string>(clock, (items) => due.push(...items));
  wheel.add('removed', 1_000);
  wheel.add('later', 1_000);
  wheel.add('sooner', 50_000);
  wheel.remove('removed');
  wheel.add('later', 10_000);
  wheel.add('sooner', 2_000);
  await clock.advance(5_000);
  assert.deepEqual(due, ['sooner']);
  await clock.advance(5_000);
  assert.deepEqual(due, ['sooner', 'later']);
  wheel.add('closed', 1_000);
  wheel.close();
  await clock.advance(5_000);
  assert.equal(due.length, 2);
});
