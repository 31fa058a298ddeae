import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, NewObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { Pod } from '#api/types/core.v1.ts';
import {
  CONFIG_MAP,
  CUSTOM_RESOURCE_DEFINITION,
  POD,
  RESOURCE_QUOTA,
  SERVICE,
} from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { startInProcessCluster } from '#cluster/in-process-cluster.ts';
import { createControllers } from '../all-controllers.ts';
import { namespacedResources } from '../namespace/namespaced-resources.ts';
import { aPod as bare } from '../pods/pod.fixture.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { ResourceQuotaController } from './resource-quota-controller.ts';

/** As the server would store it, with its resources there. */
function aPod(sketch: Parameters<typeof bare>[0]): NewObject<Pod> {
  return { ...bare(sketch), spec: { containers: [{ name: 'c', resources: {} }] } };
}

const HARD = { pods: '5', 'count/configmaps': '9', 'services.nodeports': '1' };

async function startWith(hard: Readonly<Record<string, string>>) {
  const harness = await controllerHarness(
    (deps) => [new ResourceQuotaController(deps, namespacedResources())],
    (transport) => {
      transport.put(POD, aPod({ name: 'a' }));
      transport.put(POD, aPod({ name: 'b' }));
      transport.put(POD, aPod({ name: 'finished', phase: 'Succeeded' }));
      transport.put(CONFIG_MAP, { metadata: { namespace: 'ns', name: 'c' } });
      transport.put(CONFIG_MAP, { metadata: { namespace: 'elsewhere', name: 'c' } });
      transport.put(RESOURCE_QUOTA, { metadata: { namespace: 'ns', name: 'q' }, spec: { hard } });
    },
  );
  const used = () => harness.transport.peek(RESOURCE_QUOTA, 'ns/q')?.status.used;
  return { ...harness, used, [Symbol.asyncDispose]: () => harness[Symbol.asyncDispose]() };
}

test('resource quota controller: writes down what is used, once', async () => {
  await using harness = await startWith(HARD);
  await harness.clock.advance(1_000);
  assert.deepEqual(harness.used(), { pods: '2', 'count/configmaps': '1', 'services.nodeports': '0' });
  assert.deepEqual(harness.transport.peek(RESOURCE_QUOTA, 'ns/q')?.status.hard, HARD);
  assert.deepEqual(harness.writes(), ['update resourcequotas/status q']);
  await harness.clock.advance(600_000);
  assert.deepEqual(harness.writes(), []);
});

test('resource quota controller: gives back what is deleted or over', async () => {
  await using harness = await startWith(HARD);
  await harness.clock.advance(1_000);
  harness.transport.drop(POD, 'ns/a');
  await harness.clock.advance(1_000);
  assert.equal(harness.used()?.['pods'], '1');
  harness.transport.put(POD, aPod({ name: 'b', phase: 'Failed' }));
  await harness.clock.advance(1_000);
  assert.equal(harness.used()?.['pods'], '0');
});

test('resource quota controller: follows a changed quota, and watches nothing that no quota counts', async () => {
  await using harness = await startWith({ pods: '5' });
  await harness.clock.advance(1_000);
  const watched = (resource: ResourceType<never> | ResourceType<ApiObject>): boolean =>
    harness.transport.requests.some(
      (request) => request.resource.resource === resource.resource && request.verb === 'list',
    );
  assert.deepEqual(
    [watched(POD as never), watched(CONFIG_MAP as never), watched(SERVICE as never)],
    [true, false, false],
  );
  const quota = harness.transport.peek(RESOURCE_QUOTA, 'ns/q');
  harness.transport.put(RESOURCE_QUOTA, {
    ...quota,
    metadata: { namespace: 'ns', name: 'q' },
    spec: { hard: { configmaps: '2' } },
  });
  await harness.clock.advance(1_000);
  assert.deepEqual(harness.used(), { configmaps: '1' });
});

test('resource quota controller: custom resources are counted as soon as they are defined', async () => {
  await using harness = await startWith({ 'count/widgets.example.com': '5' });
  await harness.clock.advance(1_000);
  assert.deepEqual(harness.used(), { 'count/widgets.example.com': '0' });
  const widgets: ResourceType<ApiObject> = {
    group: 'example.com',
    version: 'v1',
    resource: 'widgets',
    kind: 'Widget',
    isNamespaced: true,
  };
  const names = { plural: 'widgets', kind: 'Widget' };
  harness.transport.put(widgets, { metadata: { namespace: 'ns', name: 'w' } });
  harness.transport.put(CUSTOM_RESOURCE_DEFINITION, {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names,
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true }],
    },
    status: { acceptedNames: names, conditions: [{ type: 'Established', status: 'True' }] },
  });
  await harness.clock.advance(1_000);
  assert.deepEqual(harness.used(), { 'count/widgets.example.com': '1' });
  harness.transport.drop(widgets, 'ns/w');
  await harness.clock.advance(1_000);
  assert.deepEqual(harness.used(), { 'count/widgets.example.com': '0' });
});

test('resource quota controller: with admission it holds a namespace to its quota, and frees what goes', async () => {
  await using cluster = await startInProcessCluster();
  const { client, clock, informers, random, metrics } = cluster;
  const deps = { client, informers, clock, random, metrics, log: SILENT_LOGGER };
  await using controllers = createControllers({ ...deps, rootCaPem: 'PEM' });
  informers.start();
  controllers.start();
  await clock.advance(100);
  const metadata = (name: string) => ({ namespace: 'default', name });
  await client.of(RESOURCE_QUOTA).create({ metadata: metadata('q'), spec: { hard: { configmaps: '3' } } });
  await clock.advance(500);
  const create = async (name: string): Promise<string> => {
    try {
      await client.of(CONFIG_MAP).create({ metadata: metadata(name) });
      return 'created';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  // The certificate that every namespace is given counts too.
  assert.deepEqual(
    [await create('a'), await create('b'), await create('c')],
    [
      'created',
      'created',
      'configmaps "c" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
    ],
  );
  await client.of(CONFIG_MAP).delete('default', 'a');
  await clock.advance(500);
  assert.equal(await create('c'), 'created');
});
