import assert from 'node:assert/strict';
import {
  CONTROLLER_REVISION,
  DAEMON_SET,
  isAvailable,
  isGone,
  isReady,
  NODE,
  POD,
  STATEFUL_SET,
  type TestCluster,
} from '../testing.ts';
import { end, namesOf, podsOf, proveAll, workload } from './behaviours.fixture.ts';

const SLOW = { 'pod-ready.stage.kwok.x-k8s.io/delay': '1h' };

async function imagesOf(cluster: TestCluster, app: string): Promise<readonly (string | undefined)[]> {
  return (await podsOf(cluster, app)).map(({ spec }) => spec.containers[0]?.image);
}

/** Names of the pods of `app` as they were made or went, in order. */
function order(cluster: TestCluster, verb: RegExp, app: string): readonly string[] {
  const names = cluster
    .timeline()
    .filter((line) => verb.test(line) && line.includes('pod'))
    .flatMap((line) => new RegExp(`\\b${app}-\\d+\\b`).exec(line)?.[0] ?? []);
  return [...new Set(names)];
}

proveAll('StatefulSet', [
  [
    'pods come one after the other, and the next one waits while one is not ready',
    async (cluster) => {
      const annotations = { 'pod-ready.stage.kwok.x-k8s.io/delay': '3m' };
      await cluster.apply(workload('StatefulSet', 'db', { replicas: 3 }, { annotations }));
      await cluster.clock.advance({ minutes: 2 });
      assert.deepEqual(namesOf(await podsOf(cluster, 'db')), ['db-0']);
      await cluster.until('statefulset/db', isAvailable);
      assert.deepEqual(namesOf(await podsOf(cluster, 'db')), ['db-0', 'db-1', 'db-2']);
    },
  ],
  [
    'scaling down takes the last one first',
    async (cluster) => {
      await cluster.apply(workload('StatefulSet', 'db', { replicas: 3 }));
      await cluster.until('statefulset/db', isAvailable);
      await cluster.apply(workload('StatefulSet', 'db', { replicas: 1 }));
      await cluster.until({ resource: POD, name: 'db-1' }, isGone);
      assert.deepEqual(namesOf(await podsOf(cluster, 'db')), ['db-0']);
      assert.deepEqual(order(cluster, /delete/i, 'db'), ['db-2', 'db-1']);
    },
  ],
  [
    'with parallel pods nobody waits for one that is not ready',
    async (cluster) => {
      const spec = { replicas: 3, podManagementPolicy: 'Parallel' };
      await cluster.apply(workload('StatefulSet', 'db', spec, { annotations: SLOW }));
      await cluster.clock.advance({ seconds: 10 });
      assert.equal((await podsOf(cluster, 'db')).length, 3);
      await cluster.apply(workload('StatefulSet', 'db', { ...spec, replicas: 0 }, { annotations: SLOW }));
      await cluster.clock.advance({ minutes: 1 });
      assert.equal((await podsOf(cluster, 'db')).length, 0);
    },
  ],
  [
    'a pod that failed is made again under its name',
    async (cluster) => {
      await cluster.apply(workload('StatefulSet', 'db', { replicas: 1 }));
      await cluster.until('statefulset/db', isAvailable);
      const [first] = await podsOf(cluster, 'db');
      assert.ok(first);
      await end(cluster, first, 'Failed');
      await cluster.clock.advance({ seconds: 30 });
      const [again] = await podsOf(cluster, 'db');
      assert.equal(again?.metadata.name, 'db-0');
      assert.notEqual(again.metadata.uid, first.metadata.uid);
    },
  ],
  [
    'a new template goes from the last pod to the first, and back again',
    async (cluster) => {
      await cluster.apply(workload('StatefulSet', 'db', { replicas: 3 }));
      await cluster.until('statefulset/db', isAvailable);
      await cluster.apply(workload('StatefulSet', 'db', { replicas: 3 }, { image: 'app:2' }));
      await cluster.until('statefulset/db', isAvailable);
      await cluster.clock.advance({ minutes: 1 });
      assert.deepEqual(await imagesOf(cluster, 'db'), ['app:2', 'app:2', 'app:2']);
      assert.deepEqual(order(cluster, /delete/i, 'db'), ['db-2', 'db-1', 'db-0']);
      await cluster.apply(workload('StatefulSet', 'db', { replicas: 3 }));
      await cluster.clock.advance({ minutes: 1 });
      assert.deepEqual(await imagesOf(cluster, 'db'), ['app:1', 'app:1', 'app:1']);
      const { status } = await cluster.get({ resource: STATEFUL_SET, name: 'db' });
      assert.equal(status.currentRevision, status.updateRevision);
    },
  ],
  [
    'a partition holds the new template back from the pods before it',
    async (cluster) => {
      const partitioned = (partition: number): object => ({
        replicas: 3,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
      });
      await cluster.apply(workload('StatefulSet', 'db', partitioned(3)));
      await cluster.until('statefulset/db', isAvailable);
      for (const [partition, images] of [
        [3, ['app:1', 'app:1', 'app:1']],
        [2, ['app:1', 'app:1', 'app:2']],
        [0, ['app:2', 'app:2', 'app:2']],
      ] as const) {
        await cluster.apply(workload('StatefulSet', 'db', partitioned(partition), { image: 'app:2' }));
        await cluster.clock.advance({ minutes: 1 });
        assert.deepEqual(await imagesOf(cluster, 'db'), images);
      }
    },
  ],
  [
    'a pod that goes during a canary comes back with the template of its side of the partition',
    async (cluster) => {
      const spec = { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } };
      await cluster.apply(workload('StatefulSet', 'db', spec));
      await cluster.until('statefulset/db', isAvailable);
      await cluster.apply(workload('StatefulSet', 'db', spec, { image: 'app:2' }));
      await cluster.clock.advance({ minutes: 1 });
      await cluster.delete('pod/db-0');
      await cluster.delete('pod/db-2');
      await cluster.clock.advance({ minutes: 1 });
      assert.deepEqual(await imagesOf(cluster, 'db'), ['app:1', 'app:1', 'app:2']);
    },
  ],
]);

proveAll('DaemonSet', [
  [
    'every node has a pod, and a pod that goes is made again',
    async (cluster) => {
      await cluster.apply(workload('DaemonSet', 'agent'));
      await cluster.until('daemonset/agent', isAvailable);
      const pods = await podsOf(cluster, 'agent');
      assert.deepEqual(new Set(pods.map(({ spec }) => spec.nodeName)), new Set(['sim-0', 'sim-1', 'sim-2']));
      await cluster.delete(`pod/${pods[0]?.metadata.name}`);
      await cluster.clock.advance({ seconds: 30 });
      assert.equal((await podsOf(cluster, 'agent')).length, 3);
    },
  ],
  [
    'its pods follow the labels of nodes',
    async (cluster) => {
      const label = async (color: string | null): Promise<void> => {
        const patch: object = { metadata: { labels: { color } } };
        await cluster.client.of(NODE).patch('', 'sim-1', patch, { type: 'merge' });
        await cluster.clock.advance({ seconds: 30 });
      };
      const nodes = async (): Promise<readonly (string | undefined)[]> =>
        (await podsOf(cluster, 'agent')).map(({ spec }) => spec.nodeName);
      await cluster.apply(workload('DaemonSet', 'agent', {}, { spec: { nodeSelector: { color: 'blue' } } }));
      await cluster.clock.advance({ seconds: 30 });
      assert.deepEqual(await nodes(), []);
      await label('blue');
      assert.deepEqual(await nodes(), ['sim-1']);
      await label('green');
      assert.deepEqual(await nodes(), []);
      await cluster.apply(workload('DaemonSet', 'agent', {}, { spec: { nodeSelector: { color: 'green' } } }));
      await cluster.clock.advance({ seconds: 30 });
      assert.deepEqual(await nodes(), ['sim-1']);
    },
  ],
  [
    'a pod that failed is replaced',
    async (cluster) => {
      await cluster.apply(workload('DaemonSet', 'agent'));
      await cluster.until('daemonset/agent', isAvailable);
      const [first] = await podsOf(cluster, 'agent');
      assert.ok(first);
      await end(cluster, first, 'Failed');
      await cluster.clock.advance({ minutes: 1 });
      const pods = await podsOf(cluster, 'agent');
      assert.deepEqual([pods.length, pods.every(isReady)], [3, true]);
      assert.ok(!namesOf(pods).includes(first.metadata.name));
    },
  ],
  [
    'a new template replaces all pods, each template having its revision',
    async (cluster) => {
      await cluster.apply(workload('DaemonSet', 'agent'));
      await cluster.until('daemonset/agent', isAvailable);
      await cluster.apply(workload('DaemonSet', 'agent', {}, { image: 'app:2' }));
      await cluster.until('daemonset/agent', isAvailable);
      assert.deepEqual(await imagesOf(cluster, 'agent'), ['app:2', 'app:2', 'app:2']);
      const revisions = await cluster.list(CONTROLLER_REVISION, { labelSelector: 'app=agent' });
      assert.deepEqual(new Set(revisions.map(({ revision }) => revision)), new Set([1, 2]));
    },
  ],
  [
    'going back in the middle of a roll-out leaves alone the pods that never changed',
    async (cluster) => {
      await cluster.apply(workload('DaemonSet', 'agent'));
      await cluster.until('daemonset/agent', isAvailable);
      const before = await podsOf(cluster, 'agent');
      await cluster.apply(workload('DaemonSet', 'agent', {}, { image: 'app:404', annotations: SLOW }));
      await cluster.clock.advance({ seconds: 30 });
      const kept = namesOf(await podsOf(cluster, 'agent')).filter((name) => namesOf(before).includes(name));
      assert.equal(kept.length, 2);
      await cluster.apply(workload('DaemonSet', 'agent'));
      await cluster.until('daemonset/agent', isAvailable);
      const after = await podsOf(cluster, 'agent');
      for (const name of kept) {
        const uidIn = (pods: typeof after): string | undefined =>
          pods.find(({ metadata }) => metadata.name === name)?.metadata.uid;
        assert.equal(uidIn(after), uidIn(before));
      }
      const { status } = await cluster.get({ resource: DAEMON_SET, name: 'agent' });
      assert.equal(status.numberAvailable, 3);
    },
  ],
]);
