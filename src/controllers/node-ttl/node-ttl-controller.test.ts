import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE } from '#api/types/resources.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { NodeTtlController, stepFor } from './node-ttl-controller.ts';

const steps: readonly { count: number; from: number; to: number }[] = [
  { count: 100, from: 0, to: 0 },
  { count: 101, from: 0, to: 1 },
  { count: 90, from: 1, to: 1 },
  { count: 89, from: 1, to: 0 },
  { count: 5000, from: 0, to: 4 },
  { count: 0, from: 4, to: 0 },
];

for (const { count, from, to } of steps) {
  test(`node ttl: ${count} nodes, coming from step ${from}`, () => {
    assert.equal(stepFor(count, from), to);
  });
}

test('node ttl: every node is told, and again when there are more of them', async () => {
  await using harness = await controllerHarness((deps) => [new NodeTtlController(deps)]);
  const { transport, clock } = harness;
  const ttls = (): ReadonlySet<string | undefined> =>
    new Set(
      transport.all(NODE).map(({ metadata }) => metadata.annotations?.['node.alpha.kubernetes.io/ttl']),
    );
  for (let index = 0; index < 100; index++) {
    transport.put(NODE, { metadata: { name: `n${index}` } });
  }
  await clock.advance(1_000);
  assert.deepEqual([...ttls()], ['0']);
  transport.put(NODE, { metadata: { name: 'one-more' } });
  await clock.advance(1_000);
  assert.deepEqual([...ttls()], ['15']);
});
