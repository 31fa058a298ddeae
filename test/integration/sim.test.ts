import assert from 'node:assert/strict';
import { test } from 'node:test';
import { walk } from '../sim/walk.ts';

const SEEDS = [1, 2, 5, 6, 7];
const STEPS = 100;

for (const seed of SEEDS) {
  test(`random walk: a cluster comes to rest as it was asked to be (seed ${seed})`, async () => {
    const { problems } = await walk({ seed, steps: STEPS });
    assert.deepEqual(problems, [], `npm run sim -- --seed=${seed} --steps=${STEPS} --verbose`);
  });
}

test('random walk: the same seed goes the same way, to the byte', async () => {
  const first = await walk({ seed: 3, steps: 60 });
  const second = await walk({ seed: 3, steps: 60 });
  const index = first.transcript.findIndex((line, at) => line !== second.transcript[at]);
  assert.equal(index, -1, `${first.transcript[index]}\n${second.transcript[index]}`);
  assert.equal(first.transcript.length, second.transcript.length);
});
