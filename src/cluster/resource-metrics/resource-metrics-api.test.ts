import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeConnection } from '#apiserver/endpoints/node-directory.ts';
import { DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, NODE, POD, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import type { VirtualClock } from '#base/virtual-clock.ts';
import { startInProcessCluster } from '../in-process-cluster.ts';
import { startCluster } from '#testing/testing.ts';
import { serveResourceMetrics } from './resource-metrics-api.ts';

const PODS = { group: 'metrics.k8s.io', version: 'v1beta1', resource: 'pods' };
const NODES = { group: 'metrics.k8s.io', version: 'v1beta1', resource: 'nodes' };

/** The answer to a request that takes some of the clock's time. */
async function passing<T>(clock: VirtualClock, answer: Promise<T>): Promise<T> {
  const progress = { isDone: false };
  const settled = answer.finally(() => {
    progress.isDone = true;
  });
  while (!progress.isDone) {
    await clock.advance(100);
  }
  return settled;
}

/** A node that has used so many seconds of processor time since the epoch, and one container on it. */
function measuring(nowMs: () => number, share: { readonly cores: number }): NodeConnection {
  const usage = (cores: number): object => ({
    cpu: { usageCoreNanoSeconds: nowMs() * 1_000_000 * cores },
    memory: { workingSetBytes: 10_000_000 },
  });
  const connection: Pick<NodeConnection, 'get'> = {
    get: () =>
      Promise.resolve({
        status: 200,
        contentType: 'application/json',
        body: JSON.stringify({
          node: usage(share.cores * 2),
          pods: [
            {
              podRef: { name: 'web', namespace: 'default' },
              containers: [{ name: 'c', ...usage(share.cores) }],
            },
          ],
        }),
      }),
  };
  return connection as NodeConnection;
}

test('resource metrics: what a node measures, over the time since it was asked before', async () => {
  await using cluster = await startInProcessCluster();
  const { plane, client, clock, transport } = cluster;
  serveResourceMetrics({ server: plane.server, client, clock, log: SILENT_LOGGER });
  await client.of(NODE).create({ metadata: { name: 'n' } });
  await client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'default' } });
  await client.of(POD).create({
    metadata: { namespace: 'default', name: 'web', labels: { app: 'web' } },
    spec: { nodeName: 'n', serviceAccountName: 'default', containers: [{ name: 'c', image: 'i' }] },
  });
  const pod = await client.of(POD).get('default', 'web');
  await client.of(POD).updateStatus({ ...pod, status: { ...pod.status, phase: 'Running' } });
  const share = { cores: 0.25 };
  plane.server.nodes.register(
    'n',
    measuring(() => clock.nowMs(), share),
  );
  const first = await passing(
    clock,
    transport.request({ verb: 'get', resource: PODS, namespace: 'default', name: 'web' }),
  );
  assert.partialDeepStrictEqual(first, {
    kind: 'PodMetrics',
    metadata: { name: 'web', labels: { app: 'web' } },
    window: '1s',
    containers: [{ name: 'c', usage: { cpu: '250000000n', memory: '9766Ki' } }],
  });
  const nodes = await passing(clock, transport.request({ verb: 'list', resource: NODES }));
  assert.partialDeepStrictEqual(nodes, {
    kind: 'NodeMetricsList',
    items: [{ metadata: { name: 'n' }, usage: { cpu: '500000000n' } }],
  });
  await clock.advance(20_000);
  const later = await passing(
    clock,
    transport.request({ verb: 'list', resource: PODS, query: { labelSelector: 'app=web' } }),
  );
  assert.partialDeepStrictEqual(later, { items: [{ window: '20.1s' }] });
  const none = await passing(
    clock,
    transport.request({ verb: 'list', resource: PODS, query: { labelSelector: 'app=other' } }),
  );
  assert.partialDeepStrictEqual(none, { items: [] });
});

test('resource metrics: an autoscaler follows what simulated pods say they use', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  const deployments = cluster.client.of(DEPLOYMENT);
  const withUsage = (cpu: string) => ({
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' }, annotations: { 'kwok.x-k8s.io/usage-cpu': cpu } },
        spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }] },
      },
    },
  });
  await deployments.create(withUsage('90m'));
  await cluster.client.of(HORIZONTAL_POD_AUTOSCALER).create({
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 30 } },
        },
      ],
    },
  });
  await cluster.clock.advance({ minutes: 5 });
  const { status } = await cluster.client.of(HORIZONTAL_POD_AUTOSCALER).get('default', 'web');
  assert.equal(status.desiredReplicas, 5, 'every pod uses three times what it may, so the limit is reached');
  assert.equal(status.currentMetrics?.[0]?.resource?.current.averageUtilization, 90);
  assert.equal((await deployments.get('default', 'web')).status.readyReplicas, 5);
});
