import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '#api/status-error.ts';
import { POD, REPLICA_SET } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { aPod, aPodStatus } from '../pods/pod.fixture.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { REPLICA_SET_KIND } from './replica-kind.ts';
import { ReplicaSetController } from './replica-set-controller.ts';

const labels = { app: 'web' };

function putSet(transport: MemoryTransport, replicas: number, more: object = {}): void {
  transport.put(REPLICA_SET, {
    metadata: { namespace: 'ns', name: 'web', generation: replicas, uid: 'web-uid' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [] } },
      ...more,
    },
    status: transport.peek(REPLICA_SET, 'ns/web')?.status ?? { replicas: 0 },
  });
}

function start(fill: (transport: MemoryTransport) => void): Promise<ControllerHarness> {
  return controllerHarness((deps) => [new ReplicaSetController(REPLICA_SET_KIND, deps)], fill);
}

const statusOf = ({ transport }: ControllerHarness) => transport.peek(REPLICA_SET, 'ns/web')?.status;

test('replicaset: creates what is missing, reports it, then stays quiet', async () => {
  await using harness = await start((transport) => putSet(transport, 3));
  await harness.clock.advance(100);
  const pods = harness.transport.all(POD);
  assert.equal(pods.length, 3);
  assert.equal(pods[0]?.metadata.ownerReferences?.[0]?.uid, 'web-uid');
  assert.match(pods[0]?.metadata.name ?? '', /^web-/);
  assert.equal(statusOf(harness)?.replicas, 3);
  assert.equal(statusOf(harness)?.observedGeneration, 3);
  assert.equal(
    harness.events.filter((event) => event.includes('SuccessfulCreate Created pod: web-')).length,
    3,
  );
  harness.writes();
  await harness.clock.advance(600_000);
  assert.deepEqual(harness.writes(), []);
});

test('replicaset: deletes the pods it needs least', async () => {
  await using harness = await start((transport) => putSet(transport, 3));
  await harness.clock.advance(100);
  const [kept] = harness.transport.all(POD);
  assert.ok(kept);
  harness.transport.put(POD, { ...kept, status: aPodStatus('Running', '2026-01-01T00:00:00Z') });
  putSet(harness.transport, 1);
  await harness.clock.advance(100);
  assert.deepEqual(
    harness.transport.all(POD).map((pod) => pod.metadata.name),
    [kept.metadata.name],
  );
  const { replicas, readyReplicas, availableReplicas } = statusOf(harness) ?? {};
  assert.deepEqual(
    { replicas, readyReplicas, availableReplicas },
    { replicas: 1, readyReplicas: 1, availableReplicas: 1 },
  );
});

test('replicaset: adopts orphans that match and replaces pods that finish', async () => {
  await using harness = await start((transport) => {
    transport.put(POD, aPod({ name: 'orphan', labels }));
    transport.put(POD, aPod({ name: 'stranger', labels: { app: 'other' } }));
    putSet(transport, 1);
  });
  await harness.clock.advance(100);
  assert.equal(harness.transport.peek(POD, 'ns/orphan')?.metadata.ownerReferences?.[0]?.name, 'web');
  assert.equal(harness.transport.all(POD).length, 2);
  const orphan = harness.transport.peek(POD, 'ns/orphan');
  assert.ok(orphan);
  harness.transport.put(POD, { ...orphan, status: { phase: 'Failed' } });
  await harness.clock.advance(100);
  assert.equal(harness.transport.all(POD).length, 3);
});

test('replicaset: a refused creation costs one call a pass, is shown as a condition, and is tried again', async () => {
  const quota = new StatusError({ code: 403, reason: 'Forbidden', message: 'exceeded quota' });
  await using harness = await start((transport) => {
    putSet(transport, 50);
    transport.onRequest = ({ verb, resource }) =>
      verb === 'create' && resource.resource === 'pods' ? quota : undefined;
  });
  // The second pass follows the status that the first one wrote.
  assert.ok(harness.writes().filter((write) => write.startsWith('create')).length <= 3);
  await harness.clock.advance(1_000);
  const [condition] = statusOf(harness)?.conditions ?? [];
  assert.deepEqual(
    [condition?.type, condition?.status, condition?.reason, condition?.message],
    ['ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota'],
  );
  assert.ok(harness.events.includes('ns/web FailedCreate Error creating: exceeded quota'));
  harness.transport.onRequest = undefined;
  await harness.clock.advance(120_000);
  assert.equal(harness.transport.all(POD).length, 50);
  assert.equal(statusOf(harness)?.conditions, undefined);
});

test('replicaset: a ready pod becomes available after minReadySeconds, and nobody has to nudge', async () => {
  await using harness = await start((transport) => putSet(transport, 1, { minReadySeconds: 30 }));
  await harness.clock.advance(100);
  const [pod] = harness.transport.all(POD);
  assert.ok(pod);
  harness.transport.put(POD, { ...pod, status: aPodStatus('Running', '2026-01-01T00:00:00Z') });
  await harness.clock.advance(1_000);
  assert.equal(statusOf(harness)?.availableReplicas, 0);
  await harness.clock.advance(30_000);
  assert.equal(statusOf(harness)?.availableReplicas, 1);
});
