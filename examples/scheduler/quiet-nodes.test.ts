import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScheduler } from 'coracle/scheduler';
import { EVENT, exists, NODE, POD, startCluster, type TestCluster } from 'coracle/testing';
import { quietNodes } from './quiet-nodes.ts';

function pod(name: string, schedulerName = 'default-scheduler') {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { schedulerName, containers: [{ name: 'main', image: 'main:1' }] },
  };
}

async function limit(cluster: TestCluster, node: string, podsAtMost: string): Promise<void> {
  const annotations = { 'example.com/pods-at-most': podsAtMost };
  await cluster.client.of(NODE).patch('', node, { metadata: { annotations } }, { type: 'merge' });
  await cluster.clock.settle();
}

async function placements(cluster: TestCluster): Promise<Readonly<Record<string, string | undefined>>> {
  const pods = await cluster.list(POD);
  return Object.fromEntries(pods.map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
}

test('quiet nodes: pods go where few are, no further than the limit, and one that waits says why', async () => {
  await using cluster = await startCluster({ nodes: 2, scheduler: { plugins: [quietNodes] } });
  await limit(cluster, 'sim-0', '1');
  await limit(cluster, 'sim-1', '1');
  await cluster.apply([pod('one')]);
  await cluster.clock.advance({ seconds: 1 });
  await cluster.apply([pod('two')]);
  await cluster.clock.advance({ seconds: 1 });
  assert.deepEqual(new Set(Object.values(await placements(cluster))), new Set(['sim-0', 'sim-1']));

  await cluster.apply([pod('three')]);
  await cluster.clock.advance({ seconds: 1 });
  const [condition] = (await cluster.get({ resource: POD, name: 'three' }))?.status.conditions ?? [];
  assert.match(condition?.message ?? '', /^0\/2 nodes are available: 2 node\(s\) were not quiet\./);

  await cluster.delete('pod/one');
  await cluster.until({ resource: POD, name: 'three' }, (three) => three?.spec.nodeName !== undefined);
});

test('quiet nodes: a profile decides which plugins its pods meet', async () => {
  await using cluster = await startCluster({
    scheduler: {
      plugins: [quietNodes],
      profiles: [{ disabled: ['QuietNodes'] }, { schedulerName: 'quiet', weights: { QuietNodes: 5 } }],
    },
  });
  await limit(cluster, 'sim-0', '0');
  await cluster.apply([pod('loud'), pod('quiet', 'quiet')]);
  await cluster.clock.advance({ seconds: 5 });
  assert.deepEqual(await placements(cluster), { loud: 'sim-0', quiet: undefined });
  const events = await cluster.list(EVENT);
  assert.deepEqual(
    new Set(
      events.flatMap(({ involvedObject, source }) =>
        involvedObject.name === 'quiet' ? source?.component : [],
      ),
    ),
    new Set(['quiet']),
  );
});

test('quiet nodes: a second scheduler takes the pods that name it, and leaves the others alone', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  await limit(cluster, 'sim-0', '0');
  await cluster.apply([pod('other'), pod('mine', 'quiet-scheduler')]);
  await cluster.until('pod/mine', exists);
  await cluster.clock.advance({ seconds: 5 });
  assert.equal((await placements(cluster))['mine'], undefined);

  await using scheduler = await startScheduler({
    connection: cluster.connect(),
    schedulerName: 'quiet-scheduler',
    plugins: [quietNodes],
    leaderElection: { namespace: 'kube-system' },
  });
  await cluster.clock.advance({ seconds: 5 });
  assert.equal((await placements(cluster))['mine'], 'sim-1');
  assert.equal(scheduler.explain('default/mine')?.nodeName, 'sim-1');
  assert.equal(scheduler.explain('default/other')?.state, 'bound');
});
