import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAP, NAMESPACE, POD } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { aPod } from '../pods/pod.fixture.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { NamespaceController } from './namespace-controller.ts';
import { namespacedResources } from './namespaced-resources.ts';

function putNamespace(transport: MemoryTransport): void {
  transport.put(NAMESPACE, {
    metadata: { name: 'ns', deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Terminating' },
  });
}

const finalizers = (transport: MemoryTransport) => transport.peek(NAMESPACE, 'ns')?.spec.finalizers;

test('namespace: deletes its content and then lets the namespace go', async () => {
  await using harness = await controllerHarness(
    (deps) => [new NamespaceController(deps, { resources: namespacedResources })],
    (transport) => {
      transport.put(CONFIG_MAP, { metadata: { namespace: 'ns', name: 'gone' }, data: {} });
      transport.put(CONFIG_MAP, { metadata: { namespace: 'other', name: 'kept' }, data: {} });
      putNamespace(transport);
    },
  );
  await harness.clock.advance(100);
  assert.deepEqual(
    harness.transport.all(CONFIG_MAP).map(({ metadata }) => metadata.name),
    ['kept'],
  );
  assert.deepEqual(finalizers(harness.transport), []);
});

test('namespace: what finalizers hold is told in conditions, pods before everything else', async () => {
  await using harness = await controllerHarness(
    (deps) => [new NamespaceController(deps, { resources: namespacedResources })],
    (transport) => {
      const pod = aPod({ name: 'held' });
      transport.put(POD, { ...pod, metadata: { ...pod.metadata, finalizers: ['example.dev/hold'] } });
      transport.put(CONFIG_MAP, { metadata: { namespace: 'ns', name: 'later' }, data: {} });
      putNamespace(transport);
    },
  );
  await harness.clock.advance(100);
  assert.deepEqual(finalizers(harness.transport), ['kubernetes']);
  assert.equal(harness.transport.all(CONFIG_MAP).length, 1);
  const conditions = harness.transport.peek(NAMESPACE, 'ns')?.status.conditions ?? [];
  assert.deepEqual(
    conditions.filter(({ status }) => status === 'True').map(({ message }) => message),
    [
      'Some resources are remaining: pods. has 1 resource instances',
      'Some content in the namespace has finalizers remaining: example.dev/hold in 1 resource instances',
    ],
  );
  harness.transport.drop(POD, 'ns/held');
  await harness.clock.advance(100);
  assert.deepEqual(finalizers(harness.transport), []);
});

test('namespace: every built-in resource of namespaces is known once', () => {
  const names = namespacedResources().map(({ group, resource }) => `${resource}.${group}`);
  assert.equal(new Set(names).size, names.length);
  for (const name of [
    'pods.',
    'deployments.apps',
    'leases.coordination.k8s.io',
    'events.',
    'roles.rbac.authorization.k8s.io',
  ]) {
    assert.ok(names.includes(name), name);
  }
});
