import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { OwnerReference } from '#api/types/meta.v1.ts';
import { CONFIG_MAP, NAMESPACE } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { collectableResources } from './collectable-resources.ts';
import { GarbageCollector } from './garbage-collector.ts';

interface Sketch {
  readonly name: string;
  readonly owners?: readonly string[];
  readonly namespace?: string;
  readonly deleting?: 'foreground' | 'orphan';
  readonly isBlocking?: boolean;
}

const FINALIZERS = { foreground: 'foregroundDeletion', orphan: 'orphan' };

function ownerReference(name: string, isBlocking: boolean): OwnerReference {
  return { apiVersion: 'v1', kind: 'ConfigMap', name, uid: `uid-of-${name}`, blockOwnerDeletion: isBlocking };
}

/** Everything is a ConfigMap, since the collector cares for no kind. */
function put(transport: MemoryTransport, ...sketches: readonly Sketch[]): void {
  for (const { name, owners = [], namespace = 'ns', deleting, isBlocking = true } of sketches) {
    transport.put(CONFIG_MAP, {
      metadata: {
        name,
        namespace,
        uid: `uid-of-${name}`,
        ownerReferences: owners.map((owner) => ownerReference(owner, isBlocking)),
        ...(deleting === undefined
          ? {}
          : { finalizers: [FINALIZERS[deleting]], deletionTimestamp: '2026-01-01T00:00:00Z' }),
      },
      data: {},
    });
  }
}

async function start(...sketches: readonly Sketch[]): Promise<ControllerHarness> {
  const harness = await controllerHarness(
    (deps) => [new GarbageCollector(deps, collectableResources())],
    (transport) => put(transport, ...sketches),
  );
  await harness.clock.advance(1_000);
  return harness;
}

const names = ({ transport }: ControllerHarness, resource: ResourceType<ApiObject> = CONFIG_MAP) =>
  transport
    .all(resource)
    .map(({ metadata }) => metadata.name)
    .join(' ');

test('garbage collector: dependents of a deleted owner go, and theirs, and nothing else', async () => {
  await using harness = await start(
    { name: 'root' },
    { name: 'child', owners: ['root'] },
    { name: 'grandchild', owners: ['child'] },
    { name: 'unrelated' },
  );
  assert.equal(names(harness), 'root child grandchild unrelated');
  harness.transport.drop(CONFIG_MAP, 'ns/root');
  await harness.clock.advance(1_000);
  assert.equal(names(harness), 'unrelated');
});

test('garbage collector: an object with one owner left stays and loses the reference to the other', async () => {
  await using harness = await start({ name: 'a' }, { name: 'b' }, { name: 'shared', owners: ['a', 'b'] });
  harness.transport.drop(CONFIG_MAP, 'ns/a');
  await harness.clock.advance(1_000);
  assert.equal(names(harness), 'b shared');
  const shared = harness.transport.peek(CONFIG_MAP, 'ns/shared');
  assert.deepEqual(
    shared?.metadata.ownerReferences?.map(({ name }) => name),
    ['b'],
  );
});

test('garbage collector: an owner that never existed is as good as deleted', async () => {
  await using harness = await start({ name: 'lost', owners: ['never'] });
  assert.equal(names(harness), '');
});

test('garbage collector: an owner in another namespace is none, and an event says so', async () => {
  await using harness = await start(
    { name: 'owner', namespace: 'other' },
    { name: 'lost', owners: ['owner'] },
  );
  assert.equal(names(harness), 'owner');
});

test('garbage collector: a cluster object that names an owner in a namespace is kept', async () => {
  await using harness = await start({ name: 'owner' });
  harness.transport.put(NAMESPACE, {
    metadata: { name: 'kept', ownerReferences: [ownerReference('owner', true)] },
  });
  await harness.clock.advance(1_000);
  assert.equal(names(harness, NAMESPACE), 'kept');
  assert.match(harness.events.join(), /kept OwnerRefInvalidNamespace/);
});

test('garbage collector: in the foreground, the owner goes last', async () => {
  const isHeld = { finalizers: ['example.dev/hold'] };
  await using harness = await start(
    { name: 'root' },
    { name: 'child', owners: ['root'] },
    { name: 'loose', owners: ['root'], isBlocking: false },
  );
  const child = harness.transport.peek(CONFIG_MAP, 'ns/child');
  assert.ok(child);
  harness.transport.put(CONFIG_MAP, { ...child, metadata: { ...child.metadata, ...isHeld } });
  put(harness.transport, { name: 'root', deleting: 'foreground' });
  await harness.clock.advance(1_000);
  assert.equal(names(harness), 'root child');
  harness.transport.drop(CONFIG_MAP, 'ns/child');
  await harness.clock.advance(1_000);
  assert.equal(names(harness), '');
});

test('garbage collector: orphaned dependents lose the reference and stay', async () => {
  await using harness = await start({ name: 'root' }, { name: 'child', owners: ['root'] });
  put(harness.transport, { name: 'root', deleting: 'orphan' });
  await harness.clock.advance(1_000);
  assert.equal(names(harness), 'child');
  assert.deepEqual(harness.transport.peek(CONFIG_MAP, 'ns/child')?.metadata.ownerReferences, []);
});

test('garbage collector: a circle deleted in the foreground does not wait for itself', async () => {
  await using harness = await start({ name: 'a', owners: ['b'] }, { name: 'b', owners: ['a'] });
  put(harness.transport, { name: 'a', owners: ['b'], deleting: 'foreground' });
  await harness.clock.advance(60_000);
  assert.equal(names(harness), '');
});

test('garbage collector: quiet when nothing changes', async () => {
  await using harness = await start({ name: 'root' }, { name: 'child', owners: ['root'] });
  const { length } = harness.transport.requests;
  await harness.clock.advance(600_000);
  assert.deepEqual([harness.writes(), harness.transport.requests.length], [[], length]);
});
