import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  EVENT,
  NAMESPACE,
  POD,
  REPLICA_SET,
  SERVICE_ACCOUNT,
} from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { startInProcessCluster } from '#cluster/in-process-cluster.ts';
import { createControllers } from './all-controllers.ts';

async function startCluster() {
  const cluster = await startInProcessCluster();
  const { client, informers, clock, random, metrics } = cluster;
  const controllers = createControllers({
    client,
    informers,
    clock,
    random,
    metrics,
    log: SILENT_LOGGER,
    rootCaPem: 'PEM',
    podRanges: [{ cidr: '10.244.0.0/16', nodePrefixLength: 24 }],
  });
  informers.start();
  controllers.start();
  await clock.advance(100);
  return {
    client,
    clock,
    async [Symbol.asyncDispose]() {
      await controllers.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

test('controllers on an API server: a namespace gets its defaults, a deployment its pods, and all goes again', async () => {
  await using cluster = await startCluster();
  const { client, clock } = cluster;
  await client.of(NAMESPACE).create({ metadata: { name: 'shop' } });
  await clock.advance(100);
  assert.equal((await client.of(CONFIG_MAP).get('shop', 'kube-root-ca.crt')).data?.['ca.crt'], 'PEM');
  await client.of(SERVICE_ACCOUNT).get('shop', 'default');
  const labels = { app: 'web' };
  const containers = [{ name: 'c', image: 'web:1' }];
  await client.of(DEPLOYMENT).create({
    metadata: { namespace: 'shop', name: 'web' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  });
  await clock.advance(1_000);
  const pods = await client.of(POD).list('shop');
  assert.equal(pods.items.length, 3);
  const [set] = (await client.of(REPLICA_SET).list('shop')).items;
  assert.equal(set?.status.replicas, 3);
  const deployment = await client.of(DEPLOYMENT).get('shop', 'web');
  assert.equal(deployment.status.updatedReplicas, 3);
  assert.equal(deployment.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  const { metadata } = await client.of(DEPLOYMENT).get('shop', 'web');
  await clock.advance(30_000);
  assert.equal(
    (await client.of(DEPLOYMENT).get('shop', 'web')).metadata.resourceVersion,
    metadata.resourceVersion,
  );
  assert.ok((await client.of(EVENT).list('shop')).items.some(({ reason }) => reason === 'ScalingReplicaSet'));
  await client.of(NAMESPACE).delete('', 'shop');
  await clock.advance(60_000);
  assert.deepEqual(
    (await client.of(NAMESPACE).list('')).items
      .map((namespace) => namespace.metadata.name)
      .filter((name) => name === 'shop'),
    [],
  );
});
