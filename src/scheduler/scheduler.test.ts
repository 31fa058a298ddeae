import assert from 'node:assert/strict';
import { test } from 'node:test';
import { internalError } from '#api/status-error.ts';
import { NODE, POD } from '#api/types/resources.ts';
import { aNode, aPod, TestCluster } from './cluster.fixture.ts';

test('scheduler: a pod is bound to the one node that fits, and says so', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('small', { cpu: '1' }), aNode('large', { cpu: '8' }));
  cluster.addPods(aPod('web', { requests: { cpu: '2' } }));
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { web: 'large' });
  assert.deepEqual(cluster.events, [
    {
      name: 'web',
      type: 'Normal',
      reason: 'Scheduled',
      message: 'Successfully assigned default/web to large',
    },
  ]);
});

test('scheduler: a pod without room waits, says why in condition and event, and is bound when room appears', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(
    aNode('a', { cpu: '1' }),
    aNode('b', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] }),
    aNode('c', { taints: [{ key: 'dedicated', value: 'web', effect: 'NoSchedule' }] }),
  );
  cluster.addPods(aPod('web', { requests: { cpu: '2' } }));
  await cluster.settle();
  const message =
    '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). ' +
    'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.';
  assert.deepEqual(cluster.events, [{ name: 'web', type: 'Warning', reason: 'FailedScheduling', message }]);
  const [condition] = cluster.pod('web').status.conditions ?? [];
  assert.deepEqual(
    [condition?.type, condition?.status, condition?.reason, condition?.message],
    ['PodScheduled', 'False', 'Unschedulable', message],
  );

  cluster.addNodes(aNode('d'));
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { web: 'd' });
});

test('scheduler: a pod that keeps failing alike is written once', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { cpu: '1' }));
  cluster.addPods(aPod('web', { requests: { cpu: '2' } }));
  await cluster.clock.advance(16 * 60_000);
  assert.equal(cluster.events.length, 4, 'tried again every five minutes');
  assert.equal(cluster.requests.length, 1);
});

test('scheduler: without nodes a pod waits for one', async () => {
  await using cluster = new TestCluster();
  cluster.addPods(aPod('web'));
  await cluster.settle();
  assert.equal(cluster.events[0]?.message, 'no nodes available to schedule pods');
  cluster.addNodes(aNode('a'));
  await cluster.clock.advance(1500);
  assert.deepEqual(cluster.placements(), { web: 'a' });
});

test('scheduler: higher priority goes first, then who came first', async () => {
  await using cluster = new TestCluster();
  cluster.addPods(aPod('low'), aPod('high', { priority: 10 }), aPod('late'));
  await cluster.settle();
  cluster.events.length = 0;
  cluster.addNodes(aNode('a', { pods: '1' }));
  await cluster.clock.advance(3000);
  assert.deepEqual(cluster.placements(), { high: 'a' });
});

test('scheduler: a binding that fails frees the place and is repeated after a back-off', async () => {
  await using cluster = new TestCluster();
  cluster.bindError = internalError('disk full');
  cluster.addNodes(aNode('a', { cpu: '1' }));
  cluster.addPods(aPod('web', { requests: { cpu: '1' } }));
  await cluster.settle();
  assert.deepEqual(cluster.placements(), {});
  assert.match(
    cluster.events[0]?.message ?? '',
    /^binding rejected: running Bind plugin "DefaultBinder": .*disk full/,
  );
  cluster.bindError = undefined;
  await cluster.clock.advance(500);
  assert.deepEqual(cluster.placements(), {}, 'still backing off');
  await cluster.clock.advance(600);
  assert.deepEqual(cluster.placements(), { web: 'a' });
});

test('scheduler: gated pods stay out until their gates are gone', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a'));
  const gated = aPod('web', { spec: { schedulingGates: [{ name: 'example.com/wait' }] } });
  cluster.addPods(gated);
  await cluster.clock.advance(10 * 60_000);
  assert.deepEqual([cluster.placements(), cluster.events], [{}, []]);
  const { schedulingGates: _, ...open } = gated.spec;
  cluster.informers.set(POD, { ...gated, spec: open });
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { web: 'a' });
});

test('scheduler: pods of another scheduler are left alone, and count where they are', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { cpu: '1' }), aNode('b', { cpu: '1' }));
  cluster.addPods(
    aPod('theirs', { spec: { schedulerName: 'other' } }),
    aPod('placed', { nodeName: 'a', requests: { cpu: '1' } }),
    aPod('ours', { requests: { cpu: '1' } }),
  );
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { placed: 'a', ours: 'b' });
});

test('scheduler: a finished pod gives its place back', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { cpu: '1' }));
  const job = aPod('job', { nodeName: 'a', requests: { cpu: '1' } });
  cluster.addPods(job, aPod('web', { requests: { cpu: '1' } }));
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { job: 'a' });
  cluster.informers.set(POD, { ...job, status: { phase: 'Succeeded' } });
  await cluster.clock.advance(1500);
  assert.equal(cluster.placements()['web'], 'a');
});

test('scheduler: an event wakes only pods that it may help', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { cpu: '1' }));
  cluster.addPods(
    aPod('large', { requests: { cpu: '2' } }),
    aPod('picky', { spec: { nodeSelector: { disk: 'ssd' } } }),
  );
  await cluster.clock.advance(60_000);
  cluster.events.length = 0;
  cluster.informers.set(NODE, aNode('a', { cpu: '1', labels: { disk: 'ssd' } }));
  await cluster.settle();
  assert.deepEqual(
    cluster.events.map(({ name }) => name),
    ['picky'],
  );
});

test('scheduler: preemption removes the fewest and least important pods and gives the room to its pod', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { cpu: '2' }), aNode('b', { cpu: '2' }));
  cluster.addPods(
    aPod('a-1', { nodeName: 'a', requests: { cpu: '1' }, priority: 5 }),
    aPod('a-2', { nodeName: 'a', requests: { cpu: '1' }, priority: 1 }),
    aPod('b-1', { nodeName: 'b', requests: { cpu: '2' }, priority: 6 }),
    aPod('vip', { requests: { cpu: '1' }, priority: 100 }),
  );
  await cluster.clock.advance(2000);
  assert.deepEqual(cluster.placements(), { 'a-1': 'a', 'b-1': 'b', vip: 'a' });
  const preempted = cluster.events.filter(({ reason }) => reason === 'Preempted');
  assert.deepEqual(
    preempted.map(({ name, message }) => [name, message.replace(/uid-vip-\d+/, 'UID')]),
    [['a-2', 'Preempted by pod UID on node a']],
  );
  assert.equal(cluster.pod('vip').status.nominatedNodeName, 'a');
});

test('scheduler: a pod that must not preempt waits', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { cpu: '1' }));
  cluster.addPods(
    aPod('low', { nodeName: 'a', requests: { cpu: '1' } }),
    aPod('vip', { requests: { cpu: '1' }, priority: 100, spec: { preemptionPolicy: 'Never' } }),
  );
  await cluster.settle();
  assert.match(
    cluster.events[0]?.message ?? '',
    /Insufficient cpu\. .*preemption: not eligible due to preemptionPolicy=Never\.$/,
  );
});

test('scheduler: the state never counts a pod twice or loses one', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { pods: '5' }), aNode('b', { pods: '5' }));
  cluster.addPods(
    ...Array.from({ length: 12 }, (_, index) => aPod(`web-${index}`, { labels: { app: 'web' } })),
  );
  await cluster.settle();
  const counts = Object.groupBy(Object.values(cluster.placements()), (name) => name);
  assert.deepEqual([counts['a']?.length, counts['b']?.length], [5, 5]);
});
