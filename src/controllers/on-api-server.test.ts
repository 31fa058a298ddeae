import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import {
  CONFIG_MAP,
  CONTROLLER_REVISION,
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  ENDPOINT_SLICE,
  ENDPOINTS,
  EVENT,
  JOB,
  NAMESPACE,
  NODE,
  POD,
  POD_DISRUPTION_BUDGET,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
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

test('controllers on an API server: every kind of workload gets its pods, and then nothing is written', async () => {
  await using cluster = await startCluster();
  const { client, clock } = cluster;
  const containers = [{ name: 'c', image: 'i:1' }];
  const podsOf = (app: string) => ({
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: { containers } },
  });
  const once = {
    metadata: { labels: { app: 'job' } },
    spec: { containers, restartPolicy: 'Never' },
  } as const;
  const named = (name: string) => ({ namespace: 'default', name });
  await client.of(NODE).create({ metadata: { name: 'n1' } });
  await client.of(DAEMON_SET).create({ metadata: named('ds'), spec: podsOf('ds') });
  await client
    .of(STATEFUL_SET)
    .create({ metadata: named('sts'), spec: { serviceName: 'sts', ...podsOf('sts') } });
  const { template } = podsOf('rc');
  await client.of(REPLICATION_CONTROLLER).create({ metadata: named('rc'), spec: { replicas: 1, template } });
  const selector = { matchLabels: { app: 'job' } };
  await client
    .of(JOB)
    .create({ metadata: named('job'), spec: { manualSelector: true, selector, template: once } });
  const jobTemplate = { spec: { template: once } };
  await client.of(CRON_JOB).create({ metadata: named('cron'), spec: { schedule: '0 3 * * *', jobTemplate } });
  const budget = { minAvailable: 1, selector: { matchLabels: { app: 'sts' } } };
  await client.of(POD_DISRUPTION_BUDGET).create({ metadata: named('pdb'), spec: budget });
  await client
    .of(SERVICE)
    .create({ metadata: named('svc'), spec: { selector: { app: 'ds' }, ports: [{ port: 80 }] } });
  await clock.advance(60_000);
  const owners = (await client.of(POD).list('default')).items.map(
    ({ metadata }) => metadata.ownerReferences?.[0]?.kind,
  );
  assert.deepEqual(owners.toSorted(byText), ['DaemonSet', 'Job', 'ReplicationController', 'StatefulSet']);
  const kinds = [
    DAEMON_SET,
    STATEFUL_SET,
    REPLICATION_CONTROLLER,
    JOB,
    CRON_JOB,
    POD_DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    ENDPOINTS,
    POD,
    CONTROLLER_REVISION,
  ];
  const revisions = async () => {
    const lists = await Promise.all(kinds.map((kind: ResourceType<ApiObject>) => client.of(kind).list('')));
    return lists.flatMap(({ items }) =>
      items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`),
    );
  };
  const before = await revisions();
  await clock.advance(40_000);
  assert.deepEqual(await revisions(), before);
});

function byText(left: string | undefined, right: string | undefined): number {
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
