import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConcurrencyLimit, KeyedQueue } from './concurrency-limit.ts';

test('concurrency limit: no more than so many at once, all in the end, failed ones too', async () => {
  const limit = new ConcurrencyLimit(2);
  let running = 0;
  let most = 0;
  const outcomes = await Promise.allSettled(
    [1, 2, 3, 4, 5].map(
      async (number) =>
        await limit.run(async () => {
          running += 1;
          most = Math.max(most, running);
          await nextTurn();
          running -= 1;
          if (number === 2) {
            throw new Error('no');
          }
          return number;
        }),
    ),
  );
  assert.equal(most, 2);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
});

test('keyed queue: equal keys take turns, different ones do not wait', async () => {
  const queue = new KeyedQueue();
  const order: string[] = [];
  const step = async (key: string, name: string): Promise<void> =>
    await queue.run(key, async () => {
      order.push(`${name} starts`);
      await nextTurn();
      order.push(`${name} ends`);
    });
  await Promise.all([step('a', 'a1'), step('a', 'a2'), step('b', 'b1')]);
  assert.ok(order.indexOf('a2 starts') > order.indexOf('a1 ends'));
  assert.ok(order.indexOf('b1 starts') < order.indexOf('a1 ends'));
});
