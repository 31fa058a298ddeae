import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod, TestCluster } from '../cluster.fixture.ts';
import { renderExplanation } from './render-explanation.ts';

async function explained(cluster: TestCluster, name: string): Promise<string> {
  await cluster.settle();
  const explanation = cluster.scheduler.explain(`default/${name}`);
  assert.ok(explanation !== undefined, 'the pod is known');
  return renderExplanation(explanation).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
}

test('explain: a pod without room is told what each node lacks and what would help', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(
    aNode('a', { cpu: '1' }),
    aNode('b', { cpu: '2' }),
    aNode('c', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] }),
  );
  cluster.addPods(aPod('web', { requests: { cpu: '3' } }));
  assert.equal(
    await explained(cluster, 'web'),
    `Pod default/web waits for a node.
  None of 3 nodes can take it now:
  - 2: Insufficient cpu (NodeResourcesFit; a, b)
  - 1: node(s) had untolerated taint(s) (TaintToleration; c)

What would help:
  - The pod requests 3000m of cpu; the largest of these nodes has 2000m in all. Request less, or add a larger node.
  - Add a toleration for dedicated=db:NoSchedule to the pod, or remove the taint: kubectl taint nodes c dedicated:NoSchedule-

Attempts, the latest last:
  TIME  0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.
`,
  );
});

test('explain: a pod that asks for more than any node has is told by how much', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { memory: '1Gi' }));
  cluster.addPods(aPod('web', { requests: { memory: '2Gi' } }));
  assert.match(
    await explained(cluster, 'web'),
    /requests 2048 MiB of memory; the largest of these nodes has 1024 MiB in all\. Request less, or add a larger node\./,
  );
});

test('explain: a bound pod is told who chose its node', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a'), aNode('b', { cpu: '1' }));
  cluster.addPods(aPod('web', { requests: { cpu: '2' } }));
  assert.equal(
    await explained(cluster, 'web'),
    `Pod default/web is on node a.

Attempts, the latest last:
  TIME  a chosen from 1 of 2 nodes (TaintToleration 300, NodeResourcesFit 73, NodeResourcesBalancedAllocation 75)
`,
  );
});

test('explain: gated, foreign and unknown pods', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a'));
  cluster.addPods(
    aPod('gated', { spec: { schedulingGates: [{ name: 'quota' }] } }),
    aPod('foreign', { spec: { schedulerName: 'other' } }),
  );
  assert.equal(
    await explained(cluster, 'gated'),
    'Pod default/gated is held back by its scheduling gates.\n  waiting for scheduling gates: [quota]\n',
  );
  assert.equal(
    await explained(cluster, 'foreign'),
    'Pod default/foreign is left to the scheduler other, which is not this one.\n',
  );
  assert.equal(cluster.scheduler.explain('default/nobody'), undefined);
});

test('explain: a cluster without nodes says so', async () => {
  await using cluster = new TestCluster();
  cluster.addPods(aPod('web'));
  assert.match(
    await explained(cluster, 'web'),
    /None of 0 nodes can take it now:\n\nWhat would help:\n {2}- There are no nodes\. Start one\./,
  );
});

test('explain: only the last attempts are kept', async () => {
  await using cluster = new TestCluster();
  cluster.addNodes(aNode('a', { cpu: '1' }));
  cluster.addPods(aPod('web', { requests: { cpu: '2' } }));
  await cluster.clock.advance(3 * 3_600_000);
  const attempts = cluster.scheduler.explain('default/web')?.attempts ?? [];
  assert.equal(attempts.length, 10);
  assert.equal(attempts.at(-1)?.attempt, (attempts[0]?.attempt ?? 0) + 9);
});
