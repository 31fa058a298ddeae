import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD } from '#api/types/resources.ts';
import { aPod } from '../pods/pod.fixture.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { claimProtection, volumeProtection } from './storage-protection-controller.ts';

const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };

test('storage protection: a claim waits for the last pod that mounts it', async () => {
  await using harness = await controllerHarness((deps) => [claimProtection(deps)]);
  const { transport, clock } = harness;
  const finalizers = () => transport.peek(PERSISTENT_VOLUME_CLAIM, 'ns/data')?.metadata.finalizers;
  const metadata = { namespace: 'ns', name: 'data' };
  transport.put(PERSISTENT_VOLUME_CLAIM, { metadata });
  const pod = aPod({ name: 'p', node: 'n' });
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }];
  transport.put(POD, { ...pod, spec: { ...pod.spec, volumes } });
  await clock.advance(100);
  assert.deepEqual(finalizers(), ['kubernetes.io/pvc-protection']);
  transport.put(PERSISTENT_VOLUME_CLAIM, {
    metadata: { ...metadata, ...deleting, finalizers: ['kubernetes.io/pvc-protection'] },
  });
  await clock.advance(100);
  assert.deepEqual(finalizers(), ['kubernetes.io/pvc-protection']);
  transport.drop(POD, 'ns/p');
  await clock.advance(100);
  assert.equal(finalizers(), undefined);
});

test('storage protection: a volume waits until no claim has it', async () => {
  await using harness = await controllerHarness((deps) => [volumeProtection(deps)]);
  const { transport, clock } = harness;
  const metadata = { name: 'disk', ...deleting, finalizers: ['kubernetes.io/pv-protection'] };
  transport.put(PERSISTENT_VOLUME, { metadata, status: { phase: 'Bound' } });
  await clock.advance(100);
  assert.ok(transport.peek(PERSISTENT_VOLUME, 'disk'));
  transport.put(PERSISTENT_VOLUME, { metadata, status: { phase: 'Released' } });
  await clock.advance(100);
  assert.equal(transport.peek(PERSISTENT_VOLUME, 'disk'), undefined);
});
