import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE } from '#api/types/resources.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { NodeIpamController } from './node-ipam-controller.ts';

test('node ipam: nodes get different blocks, a freed one is used again, none left is said', async () => {
  await using harness = await controllerHarness(
    (deps) => [new NodeIpamController(deps, [{ cidr: '10.244.0.0/23', nodePrefixLength: 24 }])],
    (transport) =>
      transport.put(NODE, {
        metadata: { name: 'a' },
        spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] },
      }),
  );
  const { transport, clock } = harness;
  const blockOf = (name: string) => transport.peek(NODE, name)?.spec.podCIDRs?.join();
  transport.put(NODE, { metadata: { name: 'b' } });
  transport.put(NODE, { metadata: { name: 'c' } });
  await clock.advance(100);
  assert.deepEqual([blockOf('b'), blockOf('c')], ['10.244.1.0/24', undefined]);
  assert.ok(harness.events.includes('c CIDRNotAvailable Node c status is now: CIDRNotAvailable'));
  transport.drop(NODE, 'a');
  await clock.advance(60_000);
  assert.equal(blockOf('c'), '10.244.0.0/24');
});

test('node ipam: a node that one range has no block for takes none of the other', async () => {
  await using harness = await controllerHarness((deps) => [
    new NodeIpamController(deps, [
      { cidr: '10.244.0.0/23', nodePrefixLength: 24 },
      { cidr: '10.250.0.0/24', nodePrefixLength: 24 },
    ]),
  ]);
  const { transport, clock } = harness;
  const blocksOf = (name: string) => transport.peek(NODE, name)?.spec.podCIDRs?.join();
  transport.put(NODE, { metadata: { name: 'a' } });
  await clock.advance(100);
  transport.put(NODE, { metadata: { name: 'b' } });
  await clock.advance(100);
  assert.deepEqual([blocksOf('a'), blocksOf('b')], ['10.244.0.0/24,10.250.0.0/24', undefined]);
  transport.drop(NODE, 'a');
  await clock.advance(60_000);
  assert.equal(blocksOf('b'), '10.244.0.0/24,10.250.0.0/24');
});
