import assert from 'node:assert/strict';
import { isNotFound } from '#api/status-error.ts';
import {
  exists,
  isAvailable,
  isReady,
  LIMIT_RANGE,
  NODE,
  POD,
  PRIORITY_CLASS,
  REPLICA_SET,
  type TestCluster,
} from '../testing.ts';
import { namesOf, pod, podsOf, proveAll, workload } from './behaviours.fixture.ts';

const SECONDS_30 = { seconds: 30 };

async function nodeOf(cluster: TestCluster, name: string): Promise<string | undefined> {
  return (await cluster.get({ resource: POD, name })).spec.nodeName;
}

async function whyWaiting(cluster: TestCluster, name: string): Promise<string> {
  const { conditions = [] } = (await cluster.get({ resource: POD, name })).status;
  const condition = conditions.find(({ type }) => type === 'PodScheduled');
  assert.equal(condition?.reason, 'Unschedulable');
  return condition.message ?? '';
}

/** One container that requests so much. */
function asking(resources: object): object {
  return { containers: [{ name: 'main', image: 'app:1', resources }] };
}

async function giveNode(
  cluster: TestCluster,
  name: string,
  amounts: Readonly<Record<string, string>>,
): Promise<void> {
  const status = { capacity: amounts, allocatable: amounts };
  await cluster.client.of(NODE).patch('', name, { status }, { type: 'merge', subresource: 'status' });
  await cluster.clock.settle();
}

function port(hostIP: string, protocol = 'TCP', hostPort = 54321): object {
  return {
    containers: [
      { name: 'main', image: 'app:1', ports: [{ containerPort: 80, hostPort, hostIP, protocol }] },
    ],
  };
}

async function priorityClasses(cluster: TestCluster): Promise<void> {
  await cluster.create(PRIORITY_CLASS, { metadata: { name: 'low' }, value: 1 });
  await cluster.create(PRIORITY_CLASS, { metadata: { name: 'high' }, value: 1000 });
}

const GPU = 'example.com/gpu';

function gpuPod(name: string, priorityClassName: string, namespace = 'default'): object {
  const spec = { ...asking({ requests: { [GPU]: '1' }, limits: { [GPU]: '1' } }), priorityClassName };
  return pod(name, spec, { namespace, labels: { app: name } });
}

proveAll(
  'placement',
  [
    [
      'a pod that requests more than any node has left waits, and says what is lacking',
      async (cluster) => {
        await giveNode(cluster, 'sim-0', { cpu: '2', memory: '4Gi', pods: '110' });
        await giveNode(cluster, 'sim-1', { cpu: '2', memory: '4Gi', pods: '110' });
        const half = asking({ requests: { cpu: '1500m' } });
        await cluster.apply([pod('one', half), pod('two', half), pod('three', half)]);
        await cluster.clock.advance(SECONDS_30);
        const nodes = await Promise.all(['one', 'two', 'three'].map((name) => nodeOf(cluster, name)));
        assert.deepEqual(nodes.filter((node) => node !== undefined).toSorted(), ['sim-0', 'sim-1']);
        const waiting = ['one', 'two', 'three'][nodes.indexOf(undefined)] ?? '';
        assert.match(await whyWaiting(cluster, waiting), /^0\/2 nodes are available: 2 Insufficient cpu\./);
      },
    ],
    [
      'a node selector is kept to',
      async (cluster) => {
        await cluster.client
          .of(NODE)
          .patch('', 'sim-1', { metadata: { labels: { disk: 'fast' } } }, { type: 'merge' });
        await cluster.clock.settle();
        await cluster.apply(pod('fast', { nodeSelector: { disk: 'fast' } }));
        await cluster.until('pod/fast', isReady);
        assert.equal(await nodeOf(cluster, 'fast'), 'sim-1');
      },
    ],
    [
      'a pod whose node selector matches nothing waits until a node has the labels',
      async (cluster) => {
        await cluster.apply(pod('fast', { nodeSelector: { disk: 'fast' } }));
        await cluster.clock.advance(SECONDS_30);
        assert.match(
          await whyWaiting(cluster, 'fast'),
          /^0\/2 nodes are available: 2 node\(s\) didn't match Pod's node affinity\/selector\./,
        );
        await cluster.client
          .of(NODE)
          .patch('', 'sim-0', { metadata: { labels: { disk: 'fast' } } }, { type: 'merge' });
        await cluster.until('pod/fast', isReady);
      },
    ],
    [
      'a host port on all addresses keeps out the same port of one address, but not another protocol or port',
      async (cluster) => {
        const onFirst = { nodeName: undefined, nodeSelector: { 'kubernetes.io/hostname': 'sim-0' } };
        await cluster.apply(pod('all', { ...onFirst, ...port('0.0.0.0') }));
        await cluster.until('pod/all', isReady);
        await cluster.apply([
          pod('one', { ...onFirst, ...port('127.0.0.1') }),
          pod('udp', { ...onFirst, ...port('127.0.0.1', 'UDP') }),
          pod('other', { ...onFirst, ...port('127.0.0.1', 'TCP', 54322) }),
        ]);
        await cluster.clock.advance(SECONDS_30);
        assert.match(await whyWaiting(cluster, 'one'), /didn't have free ports for the requested pod ports/);
        assert.deepEqual([await nodeOf(cluster, 'udp'), await nodeOf(cluster, 'other')], ['sim-0', 'sim-0']);
      },
    ],
  ],
  { nodes: 2 },
);

proveAll(
  'preemption',
  [
    [
      'a more important pod takes the place of a less important one',
      async (cluster) => {
        await priorityClasses(cluster);
        await giveNode(cluster, 'sim-0', { cpu: '8', memory: '8Gi', pods: '110', [GPU]: '1' });
        await cluster.apply(gpuPod('first', 'low'));
        await cluster.until('pod/first', isReady);
        await cluster.apply(gpuPod('urgent', 'high'));
        await cluster.until('pod/urgent', isReady, { within: { minutes: 2 } });
        await assert.rejects(cluster.get('pod/first'), isNotFound);
      },
    ],
    [
      'a critical pod of the system takes the place of any other',
      async (cluster) => {
        await priorityClasses(cluster);
        await giveNode(cluster, 'sim-0', { cpu: '8', memory: '8Gi', pods: '110', [GPU]: '1' });
        await cluster.apply(gpuPod('first', 'high'));
        await cluster.until('pod/first', isReady);
        await cluster.apply(gpuPod('critical', 'system-cluster-critical', 'kube-system'));
        await cluster.until({ resource: POD, namespace: 'kube-system', name: 'critical' }, isReady);
        await assert.rejects(cluster.get('pod/first'), isNotFound);
      },
    ],
    [
      'pods of equal priority are left alone',
      async (cluster) => {
        await priorityClasses(cluster);
        await giveNode(cluster, 'sim-0', { cpu: '8', memory: '8Gi', pods: '110', [GPU]: '1' });
        await cluster.apply(gpuPod('first', 'high'));
        await cluster.until('pod/first', isReady);
        await cluster.apply(gpuPod('second', 'high'));
        await cluster.clock.advance({ minutes: 2 });
        assert.equal(await nodeOf(cluster, 'second'), undefined);
        assert.ok(exists(await cluster.get('pod/first')));
      },
    ],
    [
      'ReplicaSets of rising priority push each other out from the least important on',
      async (cluster) => {
        await giveNode(cluster, 'sim-0', { cpu: '8', memory: '8Gi', pods: '110', [GPU]: '5' });
        for (const value of [1, 2, 3, 4]) {
          await cluster.create(PRIORITY_CLASS, { metadata: { name: `p${value}` }, value });
        }
        const replicas = [5, 1, 1, 2];
        for (const [index, count] of replicas.entries()) {
          const name = `rs${index + 1}`;
          const spec = {
            ...asking({ requests: { [GPU]: '1' }, limits: { [GPU]: '1' } }),
            priorityClassName: `p${index + 1}`,
          };
          await cluster.apply(workload('ReplicaSet', name, { replicas: count }, { spec }));
          await cluster.until({ resource: REPLICA_SET, name }, isAvailable);
        }
        const sets = await cluster.list(REPLICA_SET);
        assert.deepEqual(
          Object.fromEntries(sets.map(({ metadata, status }) => [metadata.name, status.readyReplicas ?? 0])),
          { rs1: 1, rs2: 1, rs3: 1, rs4: 2 },
        );
      },
    ],
    [
      'the value of a priority class is fixed; the rest may be changed, and it may go',
      async (cluster) => {
        await priorityClasses(cluster);
        const classes = cluster.client.of(PRIORITY_CLASS);
        const high = await classes.get('', 'high');
        await assert.rejects(classes.update({ ...high, value: 2 }), { code: 422 });
        const changed = await classes.patch('', 'high', { description: 'urgent' }, { type: 'merge' });
        assert.deepEqual([changed.value, changed.description], [1000, 'urgent']);
        await classes.deleteCollection('', { labelSelector: 'a=b' });
        await cluster.delete('priorityclass/low');
        assert.ok(!namesOf(await cluster.list(PRIORITY_CLASS)).includes('low'));
      },
    ],
  ],
  { nodes: 1 },
);

const LIMITS = {
  type: 'Container',
  min: { cpu: '50m', memory: '100Mi' },
  max: { cpu: '500m', memory: '500Mi' },
  default: { cpu: '300m', memory: '300Mi' },
  defaultRequest: { cpu: '100m', memory: '200Mi' },
};

proveAll('LimitRange', [
  [
    'pods get its defaults, keep what they say themselves, and are refused beyond its bounds',
    async (cluster) => {
      await cluster.create(LIMIT_RANGE, { metadata: { name: 'limits' }, spec: { limits: [LIMITS] } });
      await cluster.clock.settle();
      await cluster.apply([
        pod('plain'),
        pod('own', asking({ requests: { cpu: '200m' }, limits: { cpu: '400m' } })),
      ]);
      const [plain, own] = await Promise.all(
        ['plain', 'own'].map(
          async (name) => (await cluster.get({ resource: POD, name })).spec.containers[0]?.resources,
        ),
      );
      assert.deepEqual(plain, { limits: LIMITS.default, requests: LIMITS.defaultRequest });
      assert.deepEqual(own, {
        limits: { cpu: '400m', memory: '300Mi' },
        requests: { cpu: '200m', memory: '200Mi' },
      });
      await assert.rejects(cluster.apply(pod('small', asking({ requests: { cpu: '10m' } }))), { code: 403 });
      await assert.rejects(cluster.apply(pod('large', asking({ limits: { cpu: '600m' } }))), { code: 403 });
    },
  ],
  [
    'a change holds for pods that come after it, and none once it is gone',
    async (cluster) => {
      const ranges = cluster.client.of(LIMIT_RANGE);
      const metadata = { name: 'limits', labels: { team: 'a' } };
      await cluster.create(LIMIT_RANGE, { metadata, spec: { limits: [LIMITS] } });
      const limits = [{ ...LIMITS, min: { cpu: '5m', memory: '1Mi' } }];
      await ranges.patch('default', 'limits', { spec: { limits } }, { type: 'merge' });
      await cluster.clock.settle();
      await cluster.apply(pod('small', asking({ requests: { cpu: '10m' } })));
      await ranges.deleteCollection('default', { labelSelector: 'team=a' });
      await cluster.clock.settle();
      assert.deepEqual((await ranges.list('default')).items, []);
      await cluster.apply(pod('large', asking({ limits: { cpu: '600m' } })));
      assert.equal((await podsOf(cluster, 'none')).length, 0);
    },
  ],
]);
