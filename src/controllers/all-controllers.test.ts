import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  EVENT,
  LEASE,
  NAMESPACE,
  POD,
  SERVICE_ACCOUNT,
} from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { Client } from '#client/client.ts';
import { createInformers } from '#client/informer.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { createControllers } from './all-controllers.ts';

function startProcess(transport: MemoryTransport, clock: VirtualClock, identity: string) {
  const random = new SeededRandom(identity.length);
  const log = SILENT_LOGGER;
  const informers = createInformers({ transport, clock, random, log });
  const controllers = createControllers({
    client: new Client(transport, 'kube-controller-manager'),
    informers,
    clock,
    random,
    log,
    metrics: new MetricsRegistry(),
    rootCaPem: 'PEM',
    leaderElection: { namespace: 'kube-system', name: 'kube-controller-manager', identity },
  });
  informers.start();
  controllers.start();
  return async () => {
    await controllers.close();
    await informers.close();
  };
}

test('controllers: one of two processes works; the other takes over, and events are written', async () => {
  const clock = new VirtualClock();
  const transport = new MemoryTransport(clock);
  const stopFirst = startProcess(transport, clock, 'one');
  await clock.advance(100);
  const stopSecond = startProcess(transport, clock, 'other');
  transport.put(NAMESPACE, { metadata: { name: 'ns' }, status: { phase: 'Active' } });
  transport.put(DEPLOYMENT, {
    metadata: { namespace: 'ns', name: 'web', generation: 1 },
    spec: {
      replicas: 2,
      strategy: {},
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } },
    },
  });
  await clock.advance(1_000);
  assert.equal(transport.all(POD).length, 2);
  assert.equal(transport.all(CONFIG_MAP).length, 1);
  assert.equal(transport.all(SERVICE_ACCOUNT).length, 1);
  assert.deepEqual(
    new Set(transport.all(EVENT).map(({ reason }) => reason)),
    new Set(['LeaderElection', 'ScalingReplicaSet', 'SuccessfulCreate']),
  );
  await stopFirst();
  for (const { metadata } of transport.all(POD)) {
    transport.drop(POD, `ns/${metadata.name}`);
  }
  await clock.advance(10_000);
  assert.equal(transport.all(POD).length, 2);
  assert.equal(transport.peek(LEASE, 'kube-system/kube-controller-manager')?.spec.holderIdentity, 'other');
  await stopSecond();
});
