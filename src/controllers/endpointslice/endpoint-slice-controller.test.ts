import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from '#api/types/core.v1.ts';
import { ENDPOINT_SLICE, ENDPOINTS, NODE, POD, SERVICE } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { EndpointsController } from '../endpoints/endpoints-controller.ts';
import { aPod } from '../pods/pod.fixture.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { EndpointSliceController } from './endpoint-slice-controller.ts';

const labels = { app: 'web' };
const READY = '2026-01-01T00:00:00Z';

function putService(transport: MemoryTransport, more: ServiceSpec = {}): void {
  transport.put(SERVICE, {
    metadata: { namespace: 'ns', name: 'web', uid: 'svc-uid', labels: { tier: 'front' } },
    spec: {
      clusterIP: '10.96.0.9',
      selector: labels,
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
      ...more,
    },
  });
}

async function start(fill: (transport: MemoryTransport) => void): Promise<ControllerHarness> {
  const harness = await controllerHarness(
    (deps) => [new EndpointSliceController(deps), new EndpointsController(deps)],
    (transport) => {
      transport.put(NODE, { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } } });
      fill(transport);
    },
  );
  await harness.clock.advance(100);
  return harness;
}

function slices({ transport }: ControllerHarness): readonly string[] {
  return transport.all(ENDPOINT_SLICE).map(({ ports, endpoints }) => {
    const targets = (endpoints ?? []).map(
      ({ addresses, conditions: { ready, serving, terminating } }) =>
        `${addresses.join()}${ready === true ? '+ready' : ''}${serving === true ? '+serving' : ''}${terminating === true ? '+terminating' : ''}`,
    );
    return `${(ports ?? []).map(({ port }) => port).join()}: ${targets.toSorted((a, b) => (a < b ? -1 : 1)).join(' ')}`;
  });
}

test('endpoint slices: ready, starting, terminating and finished pods', async () => {
  await using harness = await start((transport) => {
    putService(transport);
    transport.put(POD, aPod({ name: 'a', labels, node: 'n1', ip: '10.1.0.1', readySince: READY }));
    transport.put(POD, aPod({ name: 'b', labels, node: 'n1', ip: '10.1.0.2' }));
    transport.put(POD, aPod({ name: 'c', labels, node: 'n1', ip: '10.1.0.3', phase: 'Succeeded' }));
    transport.put(POD, aPod({ name: 'd', labels: { app: 'other' }, node: 'n1', ip: '10.1.0.4' }));
    const leaving = aPod({ name: 'e', labels, node: 'n1', ip: '10.1.0.5', readySince: READY });
    transport.put(POD, { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: READY } });
  });
  assert.deepEqual(slices(harness), ['8080: 10.1.0.1+ready+serving 10.1.0.2 10.1.0.5+serving+terminating']);
  const [slice] = harness.transport.all(ENDPOINT_SLICE);
  assert.deepEqual(slice?.metadata.labels, {
    tier: 'front',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  });
  assert.equal(slice?.endpoints?.[0]?.zone, 'z1');
  const [subset] = harness.transport.peek(ENDPOINTS, 'ns/web')?.subsets ?? [];
  assert.deepEqual(
    subset?.addresses?.map(({ ip }) => ip),
    ['10.1.0.1'],
  );
  assert.deepEqual(
    subset?.notReadyAddresses?.map(({ ip }) => ip),
    ['10.1.0.2'],
  );
  assert.deepEqual(subset?.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  harness.writes();
  await harness.clock.advance(600_000);
  assert.deepEqual(harness.writes(), []);
});

test('endpoint slices: a service without pods has one empty slice, filled when pods come', async () => {
  await using harness = await start((transport) => putService(transport));
  assert.deepEqual(slices(harness), [': ']);
  harness.transport.put(POD, aPod({ name: 'a', labels, node: 'n1', ip: '10.1.0.1', readySince: READY }));
  await harness.clock.advance(100);
  assert.deepEqual(slices(harness), ['8080: 10.1.0.1+ready+serving']);
  harness.transport.drop(POD, 'ns/a');
  await harness.clock.advance(100);
  assert.deepEqual(slices(harness), [': ']);
});

test('endpoint slices: named ports differ from pod to pod', async () => {
  const ports = [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }] as const;
  await using harness = await start((transport) => {
    putService(transport, { ports });
    for (const [name, containerPort, ip] of [
      ['a', 1000, '10.1.0.1'],
      ['b', 2000, '10.1.0.2'],
    ] as const) {
      const pod = aPod({ name, labels, node: 'n1', ip, readySince: READY });
      const containers = [{ name: 'c', ports: [{ name: 'web', containerPort, protocol: 'TCP' as const }] }];
      transport.put(POD, { ...pod, spec: { ...pod.spec, containers } });
    }
  });
  assert.deepEqual(slices(harness), ['1000: 10.1.0.1+ready+serving', '2000: 10.1.0.2+ready+serving']);
  const subsets = harness.transport.peek(ENDPOINTS, 'ns/web')?.subsets ?? [];
  assert.deepEqual(
    subsets.map((subset) => [subset.ports?.[0]?.port, subset.addresses?.[0]?.ip]),
    [
      [1000, '10.1.0.1'],
      [2000, '10.1.0.2'],
    ],
  );
});

test('endpoint slices: publishing not-ready addresses, headless, and hints by zone', async () => {
  await using harness = await start((transport) => {
    putService(transport, {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      trafficDistribution: 'PreferSameZone',
    });
    transport.put(POD, aPod({ name: 'a', labels, node: 'n1', ip: '10.1.0.1' }));
  });
  assert.deepEqual(slices(harness), ['8080: 10.1.0.1+ready']);
  const [slice] = harness.transport.all(ENDPOINT_SLICE);
  assert.equal(slice?.metadata.labels?.['service.kubernetes.io/headless'], '');
  assert.deepEqual(slice?.endpoints?.[0]?.hints, { forZones: [{ name: 'z1' }] });
  const { ports, ...subset } = harness.transport.peek(ENDPOINTS, 'ns/web')?.subsets?.[0] ?? {};
  assert.deepEqual(
    subset.addresses?.map(({ ip }) => ip),
    ['10.1.0.1'],
  );
  assert.equal(ports?.length, 1);
});

test('endpoint slices: services without a selector are left alone', async () => {
  await using harness = await start((transport) => putService(transport, { selector: {} }));
  assert.deepEqual([slices(harness), harness.transport.all(ENDPOINTS)], [[], []]);
});
