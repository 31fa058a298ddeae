import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startOperator, type Operator, type OperatorOptions } from 'coracle/controller';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  isAvailable,
  isGone,
  isReady,
  SERVICE,
  startCluster,
  type TestCluster,
} from 'coracle/testing';
import { WEBSITE } from './website.ts';
import { websiteOperator } from './website-operator.ts';

const file = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

interface Setup extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly operator: Operator;
}

/** A cluster that knows websites, and the operator at work in it with the rights of its service account. */
async function setUp(options: Partial<OperatorOptions> = {}): Promise<Setup> {
  const cluster = await startCluster({ nodes: 2 });
  await cluster.apply(file('website.crd.yaml') + '\n---\n' + file('deploy.yaml'));
  const operator = await start(cluster, options);
  await cluster.apply(operator.webhooks?.configurations('website-operator') ?? []);
  return {
    cluster,
    operator,
    async [Symbol.asyncDispose]() {
      await operator.close();
      await cluster.close();
    },
  };
}

function start(cluster: TestCluster, options: Partial<OperatorOptions>): Promise<Operator> {
  const connection = cluster.connect({ serviceAccount: 'website-system/website-operator' });
  return startOperator({ ...websiteOperator(connection), ...options });
}

const SHOP = { resource: WEBSITE, name: 'shop' };

test('website: becomes a Deployment and a Service, and says when it is ready', async () => {
  await using setup = await setUp();
  const { cluster } = setup;
  await cluster.apply(file('shop.yaml'));
  const { spec, status } = await cluster.until(SHOP, isReady);
  assert.equal(spec.host, 'shop.default.example.com', 'the webhook fills it in');
  assert.equal(status?.url, 'http://shop.default.example.com/');
  const deployment = await cluster.until({ resource: DEPLOYMENT, name: 'shop' }, isAvailable);
  assert.equal(deployment.metadata.ownerReferences?.[0]?.name, 'shop');
  const service = await cluster.get({ resource: SERVICE, name: 'shop' });
  assert.deepEqual(service.spec.selector, deployment.spec.selector?.matchLabels);
  const hosts = await cluster.get({ resource: CONFIG_MAP, name: 'website-hosts' });
  assert.deepEqual(hosts.data, { 'shop.default.example.com': 'shop' });
});

test('website: what others change or delete is put right again', async () => {
  await using setup = await setUp();
  const { cluster } = setup;
  await cluster.apply(file('shop.yaml'));
  await cluster.until(SHOP, isReady);
  await cluster.client
    .of(DEPLOYMENT)
    .patch('default', 'shop', { spec: { replicas: 1 } }, { type: 'merge', fieldManager: 'somebody' });
  await cluster.delete('service/shop');
  await cluster.until(
    { resource: DEPLOYMENT, name: 'shop' },
    (deployment) => deployment?.spec.replicas === 3,
  );
  await cluster.until('service/shop', (service) => service !== undefined);
});

test('website: when it goes, its host is taken out and everything it owned goes too', async () => {
  await using setup = await setUp();
  const { cluster } = setup;
  await cluster.apply(file('shop.yaml'));
  await cluster.until(SHOP, isReady);
  await cluster.delete(SHOP);
  await cluster.until(SHOP, isGone);
  const hosts = await cluster.get({ resource: CONFIG_MAP, name: 'website-hosts' });
  assert.deepEqual(hosts.data ?? {}, {});
  await cluster.until('deployment/shop', isGone);
  await cluster.until('service/shop', isGone);
});

test('website: retires at its time', async () => {
  await using setup = await setUp();
  const { cluster } = setup;
  const retireAt = new Date(cluster.clock.nowMs() + 30 * 60_000).toISOString();
  await cluster.apply({
    apiVersion: 'example.com/v1',
    kind: 'Website',
    metadata: { name: 'sale' },
    spec: { image: 'nginx:1.29', retireAt },
  });
  const sale = { resource: WEBSITE, name: 'sale' };
  await cluster.until(sale, isReady);
  await cluster.clock.advance({ minutes: 29 });
  assert.ok(isReady(await cluster.get(sale)), 'a minute early it still runs');
  await cluster.clock.advance({ minutes: 1 });
  const { status } = await cluster.get(sale);
  assert.equal(status?.conditions?.[0]?.reason, 'Retired');
  assert.equal((await cluster.get({ resource: DEPLOYMENT, name: 'sale' })).spec.replicas, 0);
});

const refused: readonly (readonly [name: string, change: object, message: RegExp])[] = [
  ['no version', { image: 'nginx:latest' }, /"latest" is none/],
  ['too many replicas', { replicas: 51 }, /spec\.replicas: Invalid value: 51/],
  ['another host', { host: 'other.example.com' }, /host cannot be changed/],
];

for (const [name, spec, message] of refused) {
  test(`website: refused: ${name}`, async () => {
    await using setup = await setUp();
    const { cluster } = setup;
    await cluster.apply(file('shop.yaml'));
    const patching = cluster.client.of(WEBSITE).patch('default', 'shop', { spec }, { type: 'merge' });
    await assert.rejects(patching, message);
  });
}

test('website: gets there though a third of the operator’s requests go wrong', async () => {
  await using setup = await setUp();
  const { cluster } = setup;
  const user = 'system:serviceaccount:website-system:website-operator';
  cluster.fault({ user, share: 0.15 }, { kind: 'refuse', code: 500 });
  cluster.fault({ user, share: 0.1 }, { kind: 'lose-answer' });
  cluster.fault({ user, share: 0.1 }, { kind: 'lose-request' });
  cluster
    .watch(DEPLOYMENT)
    .always(
      ({ metadata }) => metadata.ownerReferences?.[0]?.controller === true,
      'a Deployment has its owner',
    );
  await cluster.apply(file('shop.yaml'));
  await cluster.until(SHOP, isReady, { within: { hours: 1 } });
  await cluster.delete(SHOP);
  await cluster.until(SHOP, isGone, { within: { hours: 1 } });
});

test('website: a second operator takes over when the first stops', async () => {
  const options = { leaderElection: { namespace: 'website-system' } };
  await using setup = await setUp(options);
  const { cluster, operator: first } = setup;
  await cluster.clock.settle();
  await using second = await start(cluster, options);
  await cluster.clock.advance({ seconds: 30 });
  assert.deepEqual([first.isLeading, second.isLeading], [true, false]);
  await first.close();
  await cluster.apply(second.webhooks?.configurations('website-operator') ?? []);
  await cluster.apply(file('shop.yaml'));
  await cluster.until(SHOP, isReady);
  assert.deepEqual([first.isLeading, second.isLeading], [false, true]);
});
