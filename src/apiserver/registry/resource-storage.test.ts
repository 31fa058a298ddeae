import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from '#api/status-error.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  ENDPOINTS,
  INGRESS,
  NAMESPACE,
  POD,
  SERVICE,
  SERVICE_ACCOUNT,
} from '#api/types/resources.ts';
import { startInProcessCluster } from '#cluster/in-process-cluster.ts';

test('create: the server stamps identity, time and version', async () => {
  await using cluster = await startInProcessCluster();
  const created = await cluster.client
    .of(CONFIG_MAP)
    .create({ metadata: { namespace: 'default', name: 'a' }, data: { k: 'v' } });
  assert.deepEqual(
    [created.kind, created.data, created.metadata.creationTimestamp, created.metadata.namespace],
    ['ConfigMap', { k: 'v' }, '2026-01-01T00:00:00Z', 'default'],
  );
  assert.match(created.metadata.uid, /^[0-9a-f-]{36}$/);
  const read = await cluster.client.of(CONFIG_MAP).get('default', 'a');
  assert.deepEqual(read, created);
});

test('create: a taken name is refused, a generated one is made anew', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  await maps.create({ metadata: { namespace: 'default', name: 'a' } });
  await assert.rejects(maps.create({ metadata: { namespace: 'default', name: 'a' } }), isAlreadyExists);
  const generated = await maps.create({ metadata: { namespace: 'default', generateName: 'a-' } });
  assert.match(generated.metadata.name, /^a-[a-z0-9]{5}$/);
});

test('update: a stale version is a conflict, none at all replaces what is there', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  const first = await maps.create({ metadata: { namespace: 'default', name: 'a' } });
  const second = await maps.update({ ...first, data: { n: '2' } });
  await assert.rejects(maps.update({ ...first, data: { n: '3' } }), isConflict);
  const forced = await maps.update({
    ...second,
    metadata: { ...second.metadata, resourceVersion: '' },
    data: { n: '4' },
  });
  assert.equal(forced.data?.['n'], '4');
});

test('update: writing the same again changes no version', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  const first = await maps.create({
    metadata: { namespace: 'default', name: 'a' },
    data: { b: '1', a: '2' },
  });
  const again = await maps.update({ ...first, data: { a: '2', b: '1' } });
  assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
});

test('update: of an object that is gone is a conflict; what PUT makes, it makes whichever version is named', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  const map = await maps.create({ metadata: { namespace: 'default', name: 'a' } });
  await maps.delete('default', 'a');
  await assert.rejects(maps.update(map), (error: Error) => {
    assert.ok(isConflict(error));
    assert.match(error.message, /UID in precondition: [0-9a-f-]{36}, UID in object meta: $/);
    return true;
  });
  const { uid: _uid, ...nameless } = map.metadata;
  await assert.rejects(maps.update({ ...map, metadata: { ...nameless, uid: '' } }), isNotFound);

  const applied = maps.patch(
    'default',
    'a',
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: map.metadata },
    {
      type: 'apply',
      fieldManager: 'one',
    },
  );
  await assert.rejects(applied, isConflict, 'nor is it made by an apply');

  const endpoints = cluster.client.of(ENDPOINTS);
  const first = await endpoints.create({ metadata: { namespace: 'default', name: 'a' } });
  await endpoints.delete('default', 'a');
  await assert.rejects(endpoints.update(first), isConflict);
  const again = await endpoints.update({ ...first, metadata: { ...first.metadata, uid: '' } });
  assert.notEqual(again.metadata.uid, first.metadata.uid);
  assert.notEqual(again.metadata.resourceVersion, first.metadata.resourceVersion);
});

test('create: a status starts as the kind writes an empty one, whatever was sent', async () => {
  await using cluster = await startInProcessCluster();
  const ingress = await cluster.client.of(INGRESS).create({
    metadata: { namespace: 'default', name: 'front' },
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  });
  assert.deepEqual(ingress.status, { loadBalancer: {} });
});

test('generation: counts changes of the spec, not of status or labels', async () => {
  await using cluster = await startInProcessCluster();
  const deployments = cluster.client.of(DEPLOYMENT);
  const selector = { matchLabels: { app: 'web' } };
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'nginx' }] },
  };
  const created = await deployments.create({
    metadata: { namespace: 'default', name: 'web' },
    spec: { replicas: 1, selector, template },
  });
  const labelled = await deployments.patch(
    'default',
    'web',
    { metadata: { labels: { x: 'y' } } },
    { type: 'merge' },
  );
  const status = await deployments.patch(
    'default',
    'web',
    { metadata: { labels: { x: 'z' }, annotations: { a: 'b' } }, status: { replicas: 1 } },
    { type: 'merge', subresource: 'status' },
  );
  assert.deepEqual([status.metadata.labels, status.metadata.annotations], [{ x: 'y' }, { a: 'b' }]);
  const scaled = await deployments.patch('default', 'web', { spec: { replicas: 2 } }, { type: 'merge' });
  assert.deepEqual(
    [created, labelled, status, scaled].map(({ metadata }) => metadata.generation),
    [1, 1, 1, 2],
  );
  assert.equal(scaled.status.replicas, 1);
});

test('delete: finalizers keep an object until the last one goes', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  await maps.create({ metadata: { namespace: 'default', name: 'a', finalizers: ['example.com/wait'] } });
  await maps.delete('default', 'a');
  assert.equal((await maps.get('default', 'a')).metadata.deletionTimestamp, '2026-01-01T00:00:00Z');
  await maps.patch('default', 'a', { metadata: { finalizers: [] } }, { type: 'merge' });
  await assert.rejects(maps.get('default', 'a'), isNotFound);
});

test('delete: a pod on a node gets its grace period, one that is not scheduled goes at once', async () => {
  await using cluster = await startInProcessCluster();
  await cluster.client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'default' } });
  const pods = cluster.client.of(POD);
  const spec = { containers: [{ name: 'c', image: 'nginx' }] };
  await pods.create({ metadata: { namespace: 'default', name: 'free' }, spec });
  await pods.create({ metadata: { namespace: 'default', name: 'bound' }, spec: { ...spec, nodeName: 'n1' } });
  await pods.delete('default', 'free');
  await assert.rejects(pods.get('default', 'free'), isNotFound);
  await pods.delete('default', 'bound');
  assert.equal((await pods.get('default', 'bound')).metadata.deletionGracePeriodSeconds, 30);
  await pods.delete('default', 'bound', { gracePeriodSeconds: 0 });
  await assert.rejects(pods.get('default', 'bound'), isNotFound);
});

test('namespaces: deletion marks them, and they go when their finalizer does', async () => {
  await using cluster = await startInProcessCluster();
  const namespaces = cluster.client.of(NAMESPACE);
  const created = await namespaces.create({ metadata: { name: 'team' } });
  assert.deepEqual([created.spec.finalizers, created.status.phase], [['kubernetes'], 'Active']);
  await namespaces.delete('', 'team');
  const marked = await namespaces.get('', 'team');
  assert.equal(marked.status.phase, 'Terminating');
  await namespaces.subresource(
    'update',
    { namespace: '', name: 'team', subresource: 'finalize' },
    { ...marked, spec: {} },
  );
  await assert.rejects(namespaces.get('', 'team'), isNotFound);
});

test('services: addresses and node ports are handed out once and come back', async () => {
  await using cluster = await startInProcessCluster();
  const services = cluster.client.of(SERVICE);
  const ports = [{ port: 80 }];
  const first = await services.create({
    metadata: { namespace: 'default', name: 'a' },
    spec: { ports, type: 'NodePort' },
  });
  const address = first.spec.clusterIP;
  assert.match(address ?? '', /^10\.(?:9[6-9]|10\d|11[01])\./);
  const nodePort = first.spec.ports?.[0]?.nodePort ?? 0;
  assert.ok(nodePort >= 30_000 && nodePort <= 32_767);
  const same = { metadata: { namespace: 'default', name: 'b' }, spec: { ports, clusterIP: address ?? '' } };
  await assert.rejects(services.create(same), isInvalid);
  await services.delete('default', 'a');
  assert.equal((await services.create(same)).spec.clusterIP, address);
});

test('watch: changes come in order, and a selector turns leaving into DELETED', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { type, object } of maps.watch('default', { labelSelector: 'app=web' }, stop.signal)) {
      seen.push(`${type} ${object.metadata.name}`);
    }
  })();
  await cluster.clock.settle();
  await maps.create({ metadata: { namespace: 'default', name: 'a', labels: { app: 'web' } } });
  await maps.create({ metadata: { namespace: 'default', name: 'b' } });
  await maps.patch('default', 'b', { metadata: { labels: { app: 'web' } } }, { type: 'merge' });
  await maps.patch('default', 'a', { metadata: { labels: { app: 'db' } } }, { type: 'merge' });
  await maps.delete('default', 'b');
  await cluster.clock.settle();
  stop.abort();
  await watching;
  assert.deepEqual(seen, ['ADDED a', 'ADDED b', 'DELETED a', 'DELETED b']);
});

test('list: pages show one revision, and tell how many are left', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  for (const name of ['a', 'b', 'c']) {
    await maps.create({ metadata: { namespace: 'default', name } });
  }
  const first = await maps.list('default', { limit: 2 });
  await maps.delete('default', 'c');
  const second = await maps.list('default', { limit: 2, continue: first.metadata.continue ?? '' });
  assert.deepEqual(
    [first, second].map(({ items, metadata }) => [
      items.map((item) => item.metadata.name),
      metadata.remainingItemCount,
    ]),
    [
      [['a', 'b'], 1],
      [['c'], undefined],
    ],
  );
  assert.equal(first.metadata.resourceVersion, second.metadata.resourceVersion);
});
