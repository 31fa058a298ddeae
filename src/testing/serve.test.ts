import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '#api/status-error.ts';
import { CONFIG_MAP, NODE } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { Client } from '#client/client.ts';
import { HttpsTransport } from '#client/https-transport.ts';
import { parseKubeconfig } from '#client/kubeconfig.ts';
import { ConnectionError } from '#client/transport.ts';
import { startCluster, type TestCluster } from './testing.ts';

/** A client as any other program is one: over TLS, with nothing but the kubeconfig. */
async function connected(cluster: TestCluster): Promise<Client & AsyncDisposable> {
  const target = parseKubeconfig(await cluster.kubeconfig(), { directory: '.' });
  const transport = new HttpsTransport({ ...target, clock: new SystemClock() });
  return Object.assign(new Client(transport), { [Symbol.asyncDispose]: () => transport.close() });
}

test('test cluster: its kubeconfig leads to the same objects over TLS, after a reset too', async () => {
  await using cluster = await startCluster();
  await using client = await connected(cluster);
  const names = async (): Promise<readonly string[]> =>
    (await client.of(NODE).list('')).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(await names(), ['sim-0']);
  const before = parseKubeconfig(await cluster.kubeconfig(), { directory: '.' });
  await cluster.reset();
  const after = parseKubeconfig(await cluster.kubeconfig(), { directory: '.' });
  assert.equal(after.server, before.server);
  await using again = await connected(cluster);
  assert.equal((await again.of(NODE).list('')).items.length, 1);
});

test('test cluster: faults hit requests that come over TLS', async () => {
  await using cluster = await startCluster({ nodes: 0, hasComponents: false });
  await using client = await connected(cluster);
  const maps = client.of(CONFIG_MAP);
  const create = (name: string): Promise<unknown> =>
    maps.create({ metadata: { namespace: 'default', name } });
  const filter = { verb: 'create', resource: 'configmaps', user: 'kubernetes-admin', times: 1 } as const;

  cluster.fault(filter, { kind: 'refuse', code: 503 });
  await assert.rejects(create('refused'), (error) => error instanceof StatusError && error.code === 503);

  cluster.fault(filter, { kind: 'lose-request' });
  await assert.rejects(create('lost'), ConnectionError);
  cluster.fault(filter, { kind: 'lose-answer' });
  await assert.rejects(create('unanswered'), ConnectionError);

  cluster.fault(filter, { kind: 'delay', by: { seconds: 10 } });
  const startMs = cluster.clock.nowMs();
  const done = new AbortController();
  const delayed = create('delayed').finally(() => done.abort());
  while (!done.signal.aborted) {
    await new Promise((resolve) => setImmediate(resolve));
    await cluster.clock.advance({ seconds: 1 });
  }
  await delayed;
  assert.ok(cluster.clock.nowMs() - startMs >= 10_000);
  const { items } = await maps.list('default');
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt'),
    ['delayed', 'unanswered'],
  );
});
