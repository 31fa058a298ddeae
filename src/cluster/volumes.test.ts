import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  NODE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  STATEFUL_SET,
  STORAGE_CLASS,
} from '#api/types/resources.ts';
import { startCluster, type TestCluster } from '#testing/testing.ts';

const CONTAINERS = [{ name: 'c', image: 'app', volumeMounts: [{ name: 'data', mountPath: '/data' }] }];
const WANTED = {
  accessModes: ['ReadWriteOnce'] as const,
  resources: { requests: { storage: '1Gi' } },
};

async function phases(cluster: TestCluster): Promise<readonly string[]> {
  const { items } = await cluster.client.of(PERSISTENT_VOLUME_CLAIM).list('default');
  return items.map(({ metadata, status }) => `${metadata.name} ${status.phase ?? ''}`);
}

test('volumes: a StatefulSet gets a volume for each of its pods, on the node of the pod, and keeps it', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  const sets = cluster.client.of(STATEFUL_SET);
  await sets.create({
    metadata: { namespace: 'default', name: 'db' },
    spec: {
      replicas: 2,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: CONTAINERS } },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: WANTED }],
    },
  });
  await cluster.clock.advance({ seconds: 30 });
  assert.deepEqual(await phases(cluster), ['data-db-0 Bound', 'data-db-1 Bound']);
  const pods = cluster.client.of(POD);
  const [first] = (await pods.list('default')).items;
  assert.equal(first?.status.phase, 'Running');
  const claim = await cluster.client.of(PERSISTENT_VOLUME_CLAIM).get('default', 'data-db-0');
  assert.equal(claim.spec.storageClassName, 'standard');
  const volume = await cluster.client.of(PERSISTENT_VOLUME).get('', claim.spec.volumeName ?? '');
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const node = await cluster.client.of(NODE).get('', first.spec.nodeName ?? '');
  assert.deepEqual(terms[0]?.matchExpressions?.[0]?.values, [
    node.metadata.labels?.['kubernetes.io/hostname'],
  ]);

  await pods.delete('default', 'db-0');
  await cluster.clock.advance({ seconds: 60 });
  const again = await pods.get('default', 'db-0');
  assert.deepEqual([again.status.phase, again.spec.nodeName], ['Running', first.spec.nodeName]);
});

test('volumes: a volume that was made for a claim goes with it', async () => {
  await using cluster = await startCluster({ nodes: 1 });
  const claims = cluster.client.of(PERSISTENT_VOLUME_CLAIM);
  await claims.create({ metadata: { namespace: 'default', name: 'data' }, spec: WANTED });
  await cluster.clock.advance({ seconds: 5 });
  assert.deepEqual(await phases(cluster), ['data Pending'], 'it waits for its first pod');
  await cluster.client.of(POD).create({
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      containers: CONTAINERS,
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    },
  });
  await cluster.clock.advance({ seconds: 5 });
  assert.deepEqual(await phases(cluster), ['data Bound']);
  await claims.delete('default', 'data');
  await cluster.clock.advance({ seconds: 5 });
  assert.deepEqual(await phases(cluster), ['data Bound'], 'a running pod still has it');
  await cluster.client.of(POD).delete('default', 'web');
  await cluster.clock.advance({ seconds: 60 });
  assert.deepEqual(await phases(cluster), []);
  assert.deepEqual((await cluster.client.of(PERSISTENT_VOLUME).list('')).items, []);
});

test('volumes: a generic ephemeral volume is made with its pod and goes with it', async () => {
  await using cluster = await startCluster({ nodes: 1 });
  await cluster.client.of(POD).create({
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      containers: CONTAINERS,
      volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: { spec: WANTED } } }],
    },
  });
  await cluster.clock.advance({ seconds: 10 });
  assert.deepEqual(await phases(cluster), ['web-data Bound']);
  assert.equal((await cluster.client.of(POD).get('default', 'web')).status.phase, 'Running');
  await cluster.client.of(POD).delete('default', 'web');
  await cluster.clock.advance({ seconds: 120 });
  assert.deepEqual(await phases(cluster), []);
});

test('volumes: a pod goes to the node of a free local volume; two pods do not get the same one', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  const nodes = (await cluster.client.of(NODE).list('')).items;
  await cluster.client.of(STORAGE_CLASS).create({
    metadata: { name: 'disks' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  for (const { metadata } of nodes) {
    await cluster.client.of(PERSISTENT_VOLUME).create({
      metadata: { name: `disk-of-${metadata.name}` },
      spec: {
        capacity: { storage: '2Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'disks',
        local: { path: '/mnt/disk' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  { key: 'kubernetes.io/hostname', operator: 'In', values: [metadata.name] },
                ],
              },
            ],
          },
        },
      },
    });
  }
  for (const name of ['one', 'two', 'three']) {
    await cluster.client.of(PERSISTENT_VOLUME_CLAIM).create({
      metadata: { namespace: 'default', name },
      spec: { ...WANTED, storageClassName: 'disks' },
    });
    await cluster.client.of(POD).create({
      metadata: { namespace: 'default', name },
      spec: {
        containers: CONTAINERS,
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
      },
    });
  }
  await cluster.clock.advance({ seconds: 30 });
  const bound = (await phases(cluster)).filter((line) => line.endsWith(' Bound'));
  assert.equal(bound.length, 2);
  const pods = (await cluster.client.of(POD).list('default')).items;
  const placed = pods.map(({ spec }) => spec.nodeName ?? '').filter((name) => name !== '');
  assert.deepEqual(placed.toSorted(), nodes.map(({ metadata }) => metadata.name).toSorted());
  const left = pods.find(({ spec }) => (spec.nodeName ?? '') === '');
  assert.match(
    left?.status.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '',
    /^0\/2 nodes are available: 2 node\(s\) didn't find available persistent volumes to bind/,
  );
});
