import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINT_SLICE, ENDPOINTS, SERVICE } from '#api/types/resources.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { EndpointSliceMirroringController } from './endpoint-slice-mirroring-controller.ts';

test('endpoint slice mirroring: follows what was written by hand, for services without a selector', async () => {
  const metadata = (name: string, labels = {}) => ({ namespace: 'ns', name, labels });
  const subsets = [
    {
      addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
      notReadyAddresses: [{ ip: '10.0.0.2' }],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
  ] as const;
  await using harness = await controllerHarness(
    (deps) => [new EndpointSliceMirroringController(deps)],
    (transport) => {
      for (const name of ['manual', 'skipped', 'selected']) {
        transport.put(SERVICE, {
          metadata: metadata(name),
          spec: name === 'selected' ? { selector: { app: 'x' } } : {},
        });
        const labels = name === 'skipped' ? { 'endpointslice.kubernetes.io/skip-mirror': 'true' } : {};
        transport.put(ENDPOINTS, { metadata: metadata(name, labels), subsets });
      }
    },
  );
  const seen = (): readonly string[] =>
    harness.transport
      .all(ENDPOINT_SLICE)
      .map(({ metadata: { labels }, addressType, endpoints, ports }) =>
        [
          labels?.['kubernetes.io/service-name'],
          addressType,
          ...(endpoints ?? []).map(({ addresses, conditions }) => `${addresses[0]}=${conditions?.ready}`),
          ...(ports ?? []).map(({ port }) => port),
        ].join(' '),
      )
      .toSorted();
  assert.deepEqual(seen(), ['manual IPv4 10.0.0.1=true 10.0.0.2=false 80', 'manual IPv6 fd00::1=true 80']);
  harness.transport.put(ENDPOINTS, {
    metadata: metadata('manual'),
    subsets: [{ ...subsets[0], addresses: [{ ip: '10.0.0.3' }], notReadyAddresses: [] }],
  });
  await harness.clock.advance(1_000);
  assert.deepEqual(seen(), ['manual IPv4 10.0.0.3=true 80']);
  harness.transport.drop(ENDPOINTS, 'ns/manual');
  await harness.clock.advance(1_000);
  assert.deepEqual(seen(), []);
});
