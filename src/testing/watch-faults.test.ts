import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONFIG_MAP,
  ConnectionError,
  DEPLOYMENT,
  StatusError,
  isAvailable,
  startCluster,
  type TestCluster,
} from './testing.ts';

const WEB = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'web:1' }] },
    },
  },
};
const NOTE = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'default' } };

/** What a watch of the ConfigMaps sees, and how it ends. */
function follow(cluster: TestCluster): { readonly seen: string[]; readonly end: Promise<unknown> } {
  const seen: string[] = [];
  const { transport, clock } = cluster.connect();
  const run = async (): Promise<void> => {
    const resource = { group: '', version: 'v1', resource: 'configmaps' };
    for await (const { type } of transport.watch({ resource, query: {} }, new AbortController().signal)) {
      seen.push(`${type} ${clock.nowMs() - Date.UTC(2026, 0, 1)}`);
    }
  };
  return {
    seen,
    end: run().then(
      () => 'ended',
      (error: unknown) => error,
    ),
  };
}

test('watch faults: controllers get over watches that break, expire and lag', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  cluster.fault({ share: 0.3 }, { kind: 'drop-watch' });
  cluster.fault({ share: 0.1 }, { kind: 'expire-watch' });
  cluster.fault({ resource: 'pods' }, { kind: 'delay-events', by: { seconds: 2 } });
  cluster.fault({ verb: 'watch', share: 0.2 }, { kind: 'refuse', code: 410 });
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
  assert.ok(cluster.clock.nowMs() > Date.UTC(2026, 0, 1) + 2_000);
});

test('watch faults: a watch ends in place of an event, with 410 where it expired', async () => {
  const table = [
    [{ kind: 'drop-watch' }, (error: unknown) => error instanceof ConnectionError],
    [{ kind: 'expire-watch' }, (error: unknown) => error instanceof StatusError && error.code === 410],
  ] as const;
  for (const [effect, isRight] of table) {
    await using cluster = await startCluster({ nodes: 0, hasComponents: false });
    const { seen, end } = follow(cluster);
    cluster.fault({ resource: 'configmaps', times: 1 }, effect);
    await cluster.apply(NOTE);
    assert.ok(isRight(await end), effect.kind);
    assert.deepEqual(seen, []);
  }
});

test('watch faults: events wait together', async () => {
  await using cluster = await startCluster({ nodes: 0, hasComponents: false });
  const { seen } = follow(cluster);
  await cluster.clock.settle();
  cluster.fault({ resource: 'configmaps' }, { kind: 'delay-events', by: { seconds: 10 } });
  await cluster.client.of(CONFIG_MAP).create({ metadata: NOTE.metadata });
  await cluster.clock.advance({ seconds: 4 });
  await cluster.client.of(CONFIG_MAP).delete('default', 'one', {});
  await cluster.clock.advance({ seconds: 20 });
  assert.deepEqual(seen, ['ADDED 10000', 'DELETED 10000']);
});

test('API server restart: watches break, nothing is heard of it for a while, and then all goes on', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  await cluster.apply(WEB);
  await cluster.until('deployment/web', isAvailable);
  const { end } = follow(cluster);
  await cluster.clock.settle();
  cluster.restartApiServer({ downFor: { seconds: 30 } });
  assert.ok((await end) instanceof ConnectionError);
  await assert.rejects(cluster.get('deployment/web'), ConnectionError);
  await cluster.clock.advance({ seconds: 31 });
  await cluster.apply({ ...WEB, spec: { ...WEB.spec, replicas: 5 } });
  await cluster.until({ resource: DEPLOYMENT, name: 'web' }, (web) => web?.status.availableReplicas === 5);
});

test('watch faults: the same seed gives the same history', async () => {
  const run = async (): Promise<readonly string[]> => {
    await using cluster = await startCluster({ nodes: 2, seed: 4 });
    cluster.fault({ share: 0.3 }, { kind: 'drop-watch' });
    cluster.fault({ share: 0.3 }, { kind: 'delay-events', by: { milliseconds: 300 } });
    await cluster.apply(WEB);
    cluster.restartApiServer({ downFor: { seconds: 5 } });
    await cluster.clock.advance({ minutes: 2 });
    return cluster.transcript();
  };
  assert.deepEqual(await run(), await run());
});
