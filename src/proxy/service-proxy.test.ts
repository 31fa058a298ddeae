import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINT_SLICE, NODE, SERVICE } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { FakeNft } from './fake-nft.ts';
import { ServiceProxy } from './service-proxy.ts';
import { aService, aSlice } from './service.fixture.ts';

const TABLE = 'ip coracle-test';

interface Rig extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly informers: StaticInformers;
  readonly nft: FakeNft;
  readonly metrics: MetricsRegistry;
  readonly proxy: ServiceProxy;
}

async function aRunningProxy(): Promise<Rig> {
  const clock = new VirtualClock();
  const informers = new StaticInformers();
  const nft = new FakeNft();
  const metrics = new MetricsRegistry();
  informers.set(NODE, { metadata: { name: 'a', labels: { 'topology.kubernetes.io/zone': 'x' } } });
  informers.set(SERVICE, aService());
  informers.set(ENDPOINT_SLICE, aSlice('5@a/x 6@b/y'));
  const proxy = new ServiceProxy(
    { informers, nft, clock, log: SILENT_LOGGER, metrics },
    {
      nodeName: 'a',
      nodeIps: ['192.0.2.10'],
      instanceId: 'test',
      serviceCidrs: ['10.96.0.0/12', 'fd00::/112'],
      clusterCidrs: ['10.244.0.0/16'],
    },
  );
  informers.start();
  proxy.start();
  await clock.settle();
  return { clock, informers, nft, metrics, proxy, [Symbol.asyncDispose]: () => proxy.close() };
}

test('ServiceProxy: writes the whole table first, with the endpoints hinted for its zone', async () => {
  await using rig = await aRunningProxy();
  await rig.proxy.whenSynced();
  assert.equal(rig.nft.applied.length, 1);
  assert.deepEqual(rig.nft.elements(TABLE, 'tcp-endpoints'), { '10.96.0.7 . 80 . 0': '10.244.0.5 . 8080' });
  assert.ok(rig.metrics.render().includes('kubeproxy_sync_full_proxy_rules_duration_seconds_count 1'));
});

test('ServiceProxy: a change after a pause is sent at once, those close behind it together', async () => {
  await using rig = await aRunningProxy();
  await rig.clock.advance(1_000);
  rig.informers.set(ENDPOINT_SLICE, aSlice('6@b'));
  await rig.clock.settle();
  assert.equal(rig.nft.applied.length, 2);
  rig.informers.set(ENDPOINT_SLICE, aSlice('7@b'));
  rig.informers.set(ENDPOINT_SLICE, aSlice('8@b'));
  await rig.clock.settle();
  assert.equal(rig.nft.applied.length, 2);
  await rig.clock.advance(50);
  assert.equal(rig.nft.applied.length, 3);
  assert.deepEqual(rig.nft.elements(TABLE, 'tcp-endpoints'), { '10.96.0.7 . 80 . 0': '10.244.0.8 . 8080' });
});

test('ServiceProxy: after a refused transaction the whole table is written anew', async () => {
  await using rig = await aRunningProxy();
  await rig.clock.advance(1_000);
  rig.nft.failNext();
  rig.informers.delete(SERVICE, 'shop/web');
  await rig.clock.settle();
  assert.notDeepEqual(rig.nft.elements(TABLE, 'services'), {});
  await rig.clock.advance(1_000);
  assert.deepEqual(rig.nft.elements(TABLE, 'services'), {});
  assert.ok(rig.metrics.render().includes('kubeproxy_sync_proxy_rules_nftables_sync_failures_total 1'));
});

test('ServiceProxy: a table that somebody flushed is back within half a minute', async () => {
  await using rig = await aRunningProxy();
  await rig.clock.advance(1_000);
  rig.nft.flush();
  await rig.clock.advance(30_100);
  assert.equal(Object.keys(rig.nft.elements(TABLE, 'services')).length, 1);
});

test('ServiceProxy: a new zone of the node changes what is near', async () => {
  await using rig = await aRunningProxy();
  rig.informers.set(NODE, { metadata: { name: 'a', labels: { 'topology.kubernetes.io/zone': 'y' } } });
  await rig.clock.advance(100);
  assert.deepEqual(rig.nft.elements(TABLE, 'tcp-endpoints'), { '10.96.0.7 . 80 . 0': '10.244.0.6 . 8080' });
});

test('ServiceProxy: closing leaves the rules, destroying takes them away', async () => {
  const rig = await aRunningProxy();
  await rig.proxy.close();
  assert.equal(rig.nft.hasTable(TABLE), true);
  await rig.proxy.destroy();
  assert.equal(rig.nft.hasTable(TABLE), false);
});
