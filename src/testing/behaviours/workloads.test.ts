import assert from 'node:assert/strict';
import {
  namesOf,
  ownerOf,
  pod,
  podsOf,
  proveAll,
  relabel,
  workload,
  type Behaviour,
} from './behaviours.fixture.ts';
import {
  DEPLOYMENT,
  isAvailable,
  isGone,
  POD,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  RESOURCE_QUOTA,
  type TestCluster,
} from '../testing.ts';

const SECONDS_10 = { seconds: 10 };

async function available(cluster: TestCluster, manifest: object, target: string): Promise<void> {
  await cluster.apply(manifest);
  await cluster.until(target, isAvailable);
}

/** How often an image is there among the pods of a workload. */
async function images(cluster: TestCluster, app: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { spec } of await podsOf(cluster, app)) {
    const image = spec.containers[0]?.image ?? '';
    counts[image] = (counts[image] ?? 0) + 1;
  }
  return counts;
}

proveAll('Deployment', [
  [
    'a rolling update replaces every pod and never falls below what must be available',
    async (cluster) => {
      await available(cluster, workload('Deployment', 'web', { replicas: 4 }), 'deployment/web');
      cluster.watch(DEPLOYMENT).never(function tooFew({ status }) {
        return (status.availableReplicas ?? 0) < 3;
      });
      await available(
        cluster,
        workload('Deployment', 'web', { replicas: 4 }, { image: 'app:2' }),
        'deployment/web',
      );
      await cluster.clock.advance({ minutes: 1 });
      assert.deepEqual(await images(cluster, 'web'), { 'app:2': 4 });
    },
  ],
  [
    'Recreate ends all old pods before there are new ones',
    async (cluster) => {
      const strategy = { type: 'Recreate' };
      await available(cluster, workload('Deployment', 'web', { replicas: 2, strategy }), 'deployment/web');
      await available(
        cluster,
        workload('Deployment', 'web', { replicas: 2, strategy }, { image: 'app:2' }),
        'deployment/web',
      );
      const text = cluster.timeline().filter((line) => line.includes('pods') && line.includes('web-'));
      const lastGone = text.findLastIndex((line) => /\bdelete/i.test(line));
      const names = [
        ...new Set(text.slice(0, lastGone + 1).map((line) => /web-[a-z0-9]+-[a-z0-9]+/.exec(line)?.[0])),
      ];
      assert.equal(names.length, 2, 'when the last old pod went, no other had been made');
      assert.deepEqual(await images(cluster, 'web'), { 'app:2': 2 });
    },
  ],
  [
    'old ReplicaSets beyond the history limit are removed',
    async (cluster) => {
      for (const image of ['app:1', 'app:2', 'app:3']) {
        const manifest = workload('Deployment', 'web', { replicas: 1, revisionHistoryLimit: 0 }, { image });
        await available(cluster, manifest, 'deployment/web');
      }
      await cluster.clock.advance({ minutes: 1 });
      assert.equal((await cluster.list(REPLICA_SET)).length, 1);
    },
  ],
  [
    'a roll-out in the middle of another goes to the newest template',
    async (cluster) => {
      await available(cluster, workload('Deployment', 'web', { replicas: 3 }), 'deployment/web');
      const slow = { 'pod-ready.stage.kwok.x-k8s.io/delay': '1h' };
      await cluster.apply(
        workload('Deployment', 'web', { replicas: 3 }, { image: 'app:2', annotations: slow }),
      );
      await cluster.clock.advance(SECONDS_10);
      await available(
        cluster,
        workload('Deployment', 'web', { replicas: 3 }, { image: 'app:3' }),
        'deployment/web',
      );
      await cluster.clock.advance({ minutes: 1 });
      assert.deepEqual(await images(cluster, 'web'), { 'app:3': 3 });
    },
  ],
  [
    'scaling during a roll-out is shared out in proportion',
    async (cluster) => {
      const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
      await available(cluster, workload('Deployment', 'web', { replicas: 10, strategy }), 'deployment/web');
      const slow = { 'pod-ready.stage.kwok.x-k8s.io/delay': '1h' };
      const parts = { image: 'app:404', annotations: slow };
      await cluster.apply(workload('Deployment', 'web', { replicas: 10, strategy }, parts));
      await cluster.clock.advance(SECONDS_10);
      assert.deepEqual(await images(cluster, 'web'), { 'app:1': 8, 'app:404': 5 });
      await cluster.apply(workload('Deployment', 'web', { replicas: 30, strategy }, parts));
      await cluster.clock.advance(SECONDS_10);
      assert.deepEqual(await images(cluster, 'web'), { 'app:1': 20, 'app:404': 13 });
    },
  ],
  [
    'a revision counts up, and an old template brings its ReplicaSet back',
    async (cluster) => {
      for (const image of ['app:1', 'app:2', 'app:1']) {
        await available(cluster, workload('Deployment', 'web', { replicas: 1 }, { image }), 'deployment/web');
      }
      const { metadata } = await cluster.get({ resource: DEPLOYMENT, name: 'web' });
      assert.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
      assert.equal((await cluster.list(REPLICA_SET)).length, 2);
    },
  ],
]);

/** Alike for what keeps a number of pods and nothing more. */
function replicaBehaviours(kind: 'ReplicaSet' | 'ReplicationController'): readonly Behaviour[] {
  const target = `${kind}/web`.toLowerCase();
  return [
    [
      'keeps its number of pods, and replaces one that goes',
      async (cluster) => {
        await available(cluster, workload(kind, 'web', { replicas: 3 }), target);
        const [first] = await podsOf(cluster, 'web');
        await cluster.delete(`pod/${first?.metadata.name}`);
        await cluster.until(target, isAvailable);
        const names = namesOf(await podsOf(cluster, 'web'));
        assert.equal(names.length, 3);
        assert.ok(!names.includes(first?.metadata.name ?? ''));
      },
    ],
    [
      'adopts a pod that matches instead of making one',
      async (cluster) => {
        await cluster.apply(pod('orphan', {}, { labels: { app: 'web' } }));
        await available(cluster, workload(kind, 'web', { replicas: 1 }), target);
        const pods = await podsOf(cluster, 'web');
        assert.deepEqual(
          pods.map((each) => [each.metadata.name, ownerOf(each)]),
          [['orphan', 'web']],
        );
      },
    ],
    [
      'lets a pod go whose labels do not match any more, and makes another',
      async (cluster) => {
        await available(cluster, workload(kind, 'web', { replicas: 1 }), target);
        const [first] = await podsOf(cluster, 'web');
        assert.ok(first);
        await relabel(cluster, first, 'other');
        const [released] = await podsOf(cluster, 'other');
        assert.equal(released && ownerOf(released), undefined);
        assert.equal((await podsOf(cluster, 'web')).length, 1);
      },
    ],
    [
      'says that pods cannot be made while a quota forbids it, and no more once it allows',
      async (cluster) => {
        await cluster.create(RESOURCE_QUOTA, { metadata: { name: 'few' }, spec: { hard: { pods: '2' } } });
        await cluster.clock.advance({ seconds: 1 });
        await cluster.apply(workload(kind, 'web', { replicas: 3 }));
        await cluster.clock.advance(SECONDS_10);
        const conditions = async (): Promise<readonly { type: string; reason?: string | undefined }[]> => {
          const place = { name: 'web', namespace: 'default' };
          const { status } = await (kind === 'ReplicaSet'
            ? cluster.get({ resource: REPLICA_SET, ...place })
            : cluster.get({ resource: REPLICATION_CONTROLLER, ...place }));
          return status.conditions ?? [];
        };
        const [condition] = await conditions();
        assert.deepEqual([condition?.type, condition?.reason], ['ReplicaFailure', 'FailedCreate']);
        await cluster.apply(workload(kind, 'web', { replicas: 2 }));
        await cluster.clock.advance({ minutes: 1 });
        assert.deepEqual(await conditions(), []);
      },
    ],
    [
      'takes its pods along when it is deleted, and leaves them behind as orphans when told to',
      async (cluster) => {
        await available(cluster, workload(kind, 'web', { replicas: 1 }), target);
        await cluster.delete(target, { propagationPolicy: 'Orphan' });
        await cluster.until(target, isGone);
        const [left] = await podsOf(cluster, 'web');
        assert.equal(left && ownerOf(left), undefined);
        await available(cluster, workload(kind, 'web', { replicas: 1 }), target);
        await cluster.delete(target);
        await cluster.until({ resource: POD, name: left?.metadata.name ?? '' }, isGone);
      },
    ],
  ];
}

proveAll('ReplicaSet', replicaBehaviours('ReplicaSet'));
proveAll('ReplicationController', replicaBehaviours('ReplicationController'));
