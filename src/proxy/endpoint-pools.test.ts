import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProxied, selectEndpoints, type ProxyEndpoint } from './endpoint-pools.ts';
import { aService, aSlice } from './service.fixture.ts';

const PORT = { name: 'http', protocol: 'TCP', port: 80 } as const;

// Endpoints as `aSlice` reads them; the pools by last octet. This node is `a`, in zone `x`.
const CASES: readonly {
  readonly name: string;
  readonly endpoints: string;
  readonly cluster: string;
  readonly local: string;
  readonly hasAny: boolean;
}[] = [
  { name: 'none', endpoints: '', cluster: '', local: '', hasAny: false },
  { name: 'ready ones, local apart', endpoints: '5@a 6@b', cluster: '5 6', local: '5', hasAny: true },
  { name: 'unready ones do not count', endpoints: '5@a! 6@b', cluster: '6', local: '', hasAny: true },
  { name: 'all unready', endpoints: '5@a! 6@b!', cluster: '', local: '', hasAny: false },
  {
    name: 'terminating only as a last resort',
    endpoints: '5@a~ 6@b~',
    cluster: '5 6',
    local: '5',
    hasAny: true,
  },
  { name: 'each pool falls back by itself', endpoints: '5@a~ 6@b', cluster: '6', local: '5', hasAny: true },
  { name: 'zone hints narrow', endpoints: '5@b/x 6@b/y', cluster: '5', local: '', hasAny: true },
  { name: 'a missing hint voids all', endpoints: '5@b/x 6@b', cluster: '5 6', local: '', hasAny: true },
  { name: 'no endpoint for this zone', endpoints: '5@b/y 6@a/y', cluster: '5 6', local: '6', hasAny: true },
];

for (const { name, endpoints, cluster, local, hasAny } of CASES) {
  test(`selectEndpoints: ${name}`, () => {
    const pools = selectEndpoints(PORT, [aSlice(endpoints)], 'IPv4', { name: 'a', zone: 'x' });
    assert.deepEqual(
      { cluster: lastOctets(pools.cluster), local: lastOctets(pools.local), hasAny: pools.hasAny },
      { cluster, local, hasAny },
    );
  });
}

test('selectEndpoints: ports are matched by name and protocol, and an endpoint in two slices counts once', () => {
  const other = aSlice('9@a', { ports: [{ name: 'metrics', protocol: 'TCP', port: 9090 }] });
  const udp = aSlice('8@a', { ports: [{ name: 'http', protocol: 'UDP', port: 53 }] });
  const pools = selectEndpoints(PORT, [aSlice('5@a!'), aSlice('5@a'), other, udp], 'IPv4', { name: 'a' });
  assert.deepEqual(pools.cluster, [{ ip: '10.244.0.5', port: 8080, isLocal: true }]);
});

test('isProxied: headless, named and foreign services are left alone', () => {
  assert.equal(isProxied(aService()), true);
  assert.equal(isProxied(aService({ clusterIP: 'None', clusterIPs: ['None'] })), false);
  assert.equal(isProxied(aService({ type: 'ExternalName', clusterIP: '' })), false);
  for (const labels of [
    { 'service.kubernetes.io/service-proxy-name': 'mesh' },
    { 'service.kubernetes.io/headless': '' },
  ]) {
    assert.equal(isProxied(aService({}, { metadata: { name: 'web', namespace: 'shop', labels } })), false);
  }
});

function lastOctets(endpoints: readonly ProxyEndpoint[]): string {
  return endpoints.map(({ ip }) => ip.split('.')[3]).join(' ');
}
