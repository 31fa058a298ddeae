import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { NODE, POD, PRIORITY_CLASS, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { createInformers } from '#client/informer.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { startInProcessCluster, type InProcessCluster } from '#cluster/in-process-cluster.ts';
import { aNode, aPod, type PodFacts } from './cluster.fixture.ts';
import { createScheduler } from './scheduler.ts';

/** The scheduler against a real API server, with the rights that its role gives it and no others. */
async function startScheduling(cluster: InProcessCluster) {
  const { plane, clock, random, metrics } = cluster;
  const user = { name: 'system:kube-scheduler', groups: ['system:authenticated'], extra: {} };
  const transport = plane.transportOf(user, 'kube-scheduler');
  const informers = createInformers({ transport, clock, random, log: SILENT_LOGGER });
  const events: string[] = [];
  const recorder: EventRecorder = {
    event: (_target, type, reason, message) => events.push(`${type} ${reason}: ${message}`),
  };
  const scheduler = createScheduler({
    client: plane.clientOf(user, 'kube-scheduler'),
    informers,
    events: recorder,
    clock,
    random,
    log: SILENT_LOGGER,
    metrics,
  });
  informers.start();
  scheduler.start();
  return {
    scheduler,
    events,
    async [Symbol.asyncDispose]() {
      await scheduler.close();
      await informers.close();
    },
  };
}

async function createNode({ client }: InProcessCluster, node: Node): Promise<void> {
  const { name, labels } = node.metadata;
  await client.of(NODE).create({ ...node, metadata: { name, ...(labels === undefined ? {} : { labels }) } });
  // A new node is tainted until it is ready; here it is so at once.
  await client.of(NODE).patch('', name, { spec: { taints: [] } }, { type: 'merge' });
  await client.of(NODE).patch('', name, { status: node.status }, { type: 'merge', subresource: 'status' });
}

async function createPod({ client }: InProcessCluster, name: string, facts: PodFacts): Promise<void> {
  const { spec } = aPod(name, facts);
  // There is no controller here that would make the service account.
  const body = {
    metadata: { namespace: 'kube-public', name },
    spec: { ...spec, automountServiceAccountToken: false },
  };
  await client.of(POD).create(body);
}

function readPod({ client }: InProcessCluster, name: string): Promise<Pod> {
  return client.of(POD).get('kube-public', name);
}

test('scheduler: binds through the API with the rights of its role', async () => {
  await using cluster = await startInProcessCluster();
  await createServiceAccount(cluster);
  await using running = await startScheduling(cluster);
  await createNode(cluster, aNode('a', { cpu: '1' }));
  await createPod(cluster, 'web', { requests: { cpu: '1' } });
  await createPod(cluster, 'late', { requests: { cpu: '1' } });
  await cluster.clock.advance(100);

  const [web, late] = [await readPod(cluster, 'web'), await readPod(cluster, 'late')];
  const [bound, waiting] = web.spec.nodeName === 'a' ? [web, late] : [late, web];
  assert.equal(bound.spec.nodeName, 'a');
  assert.equal(conditionOf(bound)?.status, 'True');
  assert.equal(waiting.spec.nodeName, undefined);
  assert.deepEqual([conditionOf(waiting)?.status, conditionOf(waiting)?.reason], ['False', 'Unschedulable']);
  assert.match(conditionOf(waiting)?.message ?? '', /^0\/1 nodes are available: 1 Insufficient cpu\./);
  assert.ok(
    running.events.includes(
      `Normal Scheduled: Successfully assigned kube-public/${bound.metadata.name} to a`,
    ),
  );

  await cluster.client.of(POD).delete('kube-public', bound.metadata.name, { gracePeriodSeconds: 0 });
  await cluster.clock.advance(2000);
  assert.equal((await readPod(cluster, waiting.metadata.name)).spec.nodeName, 'a');
});

test('scheduler: makes room through the API for a more important pod', async () => {
  await using cluster = await startInProcessCluster();
  await createServiceAccount(cluster);
  await using running = await startScheduling(cluster);
  await cluster.client.of(PRIORITY_CLASS).create({ metadata: { name: 'vip' }, value: 1000 });
  await createNode(cluster, aNode('a', { cpu: '1' }));
  await createPod(cluster, 'low', { requests: { cpu: '1' } });
  await cluster.clock.advance(100);
  await createPod(cluster, 'vip', { requests: { cpu: '1' }, spec: { priorityClassName: 'vip' } });
  await cluster.clock.advance(100);
  const low = await readPod(cluster, 'low');
  assert.ok(low.metadata.deletionTimestamp !== undefined, 'the victim is asked to go');
  assert.equal(
    low.status.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason,
    'PreemptionByScheduler',
  );
  assert.equal((await readPod(cluster, 'vip')).status.nominatedNodeName, 'a');

  await cluster.client.of(POD).delete('kube-public', 'low', { gracePeriodSeconds: 0 });
  await cluster.clock.advance(2000);
  assert.equal((await readPod(cluster, 'vip')).spec.nodeName, 'a');
  assert.ok(running.events.some((event) => event.startsWith('Normal Preempted: Preempted by pod ')));
});

function conditionOf({ status }: Pod) {
  return status.conditions?.find(({ type }) => type === 'PodScheduled');
}

async function createServiceAccount({ client }: InProcessCluster): Promise<void> {
  await client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'kube-public', name: 'default' } });
}
