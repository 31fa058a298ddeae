import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeepPartial } from '#api/object.ts';
import type { StatefulSetSpec } from '#api/types/apps.v1.ts';
import { PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { aPodStatus } from '../pods/pod.fixture.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { StatefulSetController } from './stateful-set-controller.ts';

function putSet(transport: MemoryTransport, image: string, spec: DeepPartial<StatefulSetSpec> = {}): void {
  const current = transport.peek(STATEFUL_SET, 'ns/db');
  transport.put(STATEFUL_SET, {
    metadata: { namespace: 'ns', name: 'db', uid: 'db-uid' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image }] } },
    },
    status: current?.status ?? { replicas: 0, availableReplicas: 0 },
  });
}

async function start(image = 'v1', spec: DeepPartial<StatefulSetSpec> = {}): Promise<ControllerHarness> {
  const harness = await controllerHarness(
    (deps) => [new StatefulSetController(deps)],
    (transport) => putSet(transport, image, spec),
  );
  await harness.clock.advance(100);
  return harness;
}

const pods = ({ transport }: ControllerHarness): string =>
  transport
    .all(POD)
    .map(({ metadata, spec }) => `${metadata.name}:${spec.containers[0]?.image}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(' ');

/** Makes the next pod ready; its name, or nothing when all are. */
async function runNext({ transport, clock }: ControllerHarness): Promise<string | undefined> {
  await clock.advance(100);
  const waiting = transport.all(POD).find(({ status }) => status.phase === undefined);
  if (waiting !== undefined) {
    transport.put(POD, { ...waiting, status: aPodStatus('Running', '2026-01-01T00:00:00Z') });
    await clock.advance(100);
  }
  return waiting?.metadata.name;
}

async function runAll(harness: ControllerHarness): Promise<readonly string[]> {
  const order: string[] = [];
  for (let name = await runNext(harness); name !== undefined; name = await runNext(harness)) {
    order.push(name);
  }
  return order;
}

test('stateful set: pods come one after another, each with its claim', async () => {
  const volumeClaimTemplates = [
    { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } },
  ] as const;
  await using harness = await start('v1', { volumeClaimTemplates });
  assert.equal(pods(harness), 'db-0:v1');
  assert.deepEqual(await runAll(harness), ['db-0', 'db-1', 'db-2']);
  assert.deepEqual(
    harness.transport.all(PERSISTENT_VOLUME_CLAIM).map(({ metadata }) => metadata.name),
    ['data-db-0', 'data-db-1', 'data-db-2'],
  );
  const pod = harness.transport.peek(POD, 'ns/db-1');
  assert.deepEqual(pod?.spec.volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-db-1', readOnly: false } },
  ]);
  assert.deepEqual(
    [pod.spec.hostname, pod.spec.subdomain, pod.metadata.labels?.['apps.kubernetes.io/pod-index']],
    ['db-1', 'db', '1'],
  );
  const status = harness.transport.peek(STATEFUL_SET, 'ns/db')?.status;
  assert.deepEqual(
    [status?.replicas, status?.readyReplicas, status?.currentReplicas, status?.updatedReplicas],
    [3, 3, 3, 3],
  );
  assert.ok(harness.events.includes('ns/db SuccessfulCreate create Pod db-0 in StatefulSet db successful'));
  harness.writes();
  await harness.clock.advance(3_600_000);
  assert.deepEqual(harness.writes(), []);
});

test('stateful set: in parallel all come at once', async () => {
  await using harness = await start('v1', { podManagementPolicy: 'Parallel', ordinals: { start: 5 } });
  assert.equal(pods(harness), 'db-5:v1 db-6:v1 db-7:v1');
});

test('stateful set: it shrinks from the top, and a pod that is lost comes back under its name', async () => {
  await using harness = await start();
  await runAll(harness);
  putSet(harness.transport, 'v1', { replicas: 1 });
  await harness.clock.advance(100);
  assert.equal(pods(harness), 'db-0:v1');
  assert.deepEqual(
    harness.writes().filter((write) => write.startsWith('delete')),
    ['delete pods db-2', 'delete pods db-1'],
  );
  harness.transport.drop(POD, 'ns/db-0');
  await harness.clock.advance(100);
  assert.equal(pods(harness), 'db-0:v1');
});

test('stateful set: a name that an earlier set still holds is taken as soon as it is free', async () => {
  await using harness = await start();
  await runAll(harness);
  const old = harness.transport.peek(POD, 'ns/db-0');
  assert.ok(old);
  const [owner] = old.metadata.ownerReferences ?? [];
  assert.ok(owner);
  const ownerReferences = [{ ...owner, uid: 'earlier' }];
  harness.transport.put(POD, { ...old, metadata: { ...old.metadata, uid: 'held', ownerReferences } });
  await harness.clock.advance(1_000);
  harness.transport.drop(POD, 'ns/db-0');
  await harness.clock.advance(10_000);
  const pod = harness.transport.peek(POD, 'ns/db-0');
  assert.equal(pod?.metadata.ownerReferences?.[0]?.uid, owner.uid);
});

test('stateful set: a new template goes from the top down, each pod ready before the next', async () => {
  await using harness = await start();
  await runAll(harness);
  putSet(harness.transport, 'v2');
  await harness.clock.advance(100);
  assert.equal(pods(harness), 'db-0:v1 db-1:v1 db-2:v2');
  assert.deepEqual(await runAll(harness), ['db-2', 'db-1', 'db-0']);
  assert.equal(pods(harness), 'db-0:v2 db-1:v2 db-2:v2');
  const status = harness.transport.peek(STATEFUL_SET, 'ns/db')?.status;
  assert.equal(status?.currentRevision, status?.updateRevision);
});

test('stateful set: below the partition the old template stays, also for pods made anew', async () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } as const;
  await using harness = await start();
  await runAll(harness);
  putSet(harness.transport, 'v2', { updateStrategy });
  await runAll(harness);
  assert.equal(pods(harness), 'db-0:v1 db-1:v1 db-2:v2');
  harness.transport.drop(POD, 'ns/db-1');
  await runAll(harness);
  assert.equal(pods(harness), 'db-0:v1 db-1:v1 db-2:v2');
});

test('stateful set: on delete, only pods that go come back new', async () => {
  await using harness = await start('v1', { updateStrategy: { type: 'OnDelete' } });
  await runAll(harness);
  putSet(harness.transport, 'v2', { updateStrategy: { type: 'OnDelete' } });
  await runAll(harness);
  assert.equal(pods(harness), 'db-0:v1 db-1:v1 db-2:v1');
  harness.transport.drop(POD, 'ns/db-1');
  await runAll(harness);
  assert.equal(pods(harness), 'db-0:v1 db-1:v2 db-2:v1');
});

test('stateful set: a failed pod is replaced', async () => {
  await using harness = await start('v1', { replicas: 1 });
  const pod = harness.transport.peek(POD, 'ns/db-0');
  assert.ok(pod);
  harness.transport.put(POD, { ...pod, status: { phase: 'Failed' } });
  await harness.clock.advance(100);
  assert.equal(harness.transport.peek(POD, 'ns/db-0')?.status.phase, undefined);
});
