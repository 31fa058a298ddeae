import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { createInformers } from './informer.ts';
import { MemoryTransport } from './memory-transport.ts';
import { ConnectionError } from './transport.ts';

interface Widget extends ApiObject {
  readonly spec: { readonly size?: number };
}

const WIDGET: ResourceType<Widget> = {
  group: 'example.dev',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  isNamespaced: true,
};

function setUp() {
  const clock = new VirtualClock();
  const transport = new MemoryTransport(clock);
  const informers = createInformers({ transport, clock, random: new SeededRandom(1), log: SILENT_LOGGER });
  const informer = informers.of(WIDGET);
  const told: string[] = [];
  informer.addHandler({
    onAdd: (object) => told.push(`add ${object.metadata.name}`),
    onUpdate: (_, object) => told.push(`update ${object.metadata.name}`),
    onDelete: (object) => told.push(`delete ${object.metadata.name}`),
  });
  const put = (name: string, size = 1) =>
    transport.put(WIDGET, { metadata: { namespace: 'a', name }, spec: { size } });
  return { clock, transport, informers, informer, told, put };
}

test('informer: lists, then follows changes', async () => {
  const { informers, informer, transport, told, put, clock } = setUp();
  put('w1');
  informers.start();
  assert.equal(informer.hasSynced, false);
  await informers.whenSynced();
  assert.equal(informer.hasSynced, true);
  put('w2');
  put('w1', 2);
  transport.drop(WIDGET, 'a/w2');
  await clock.settle();
  assert.deepEqual(told, ['add w1', 'add w2', 'update w1', 'delete w2']);
  assert.equal(informer.get('a/w1')?.spec.size, 2);
  await informers.close();
});

test('informer: the same resource and scope is one informer', async () => {
  const { informers, informer } = setUp();
  assert.equal(informers.of(WIDGET), informer);
  assert.notEqual(informers.of(WIDGET, { namespace: 'a' }), informer);
  await informers.close();
});

test('informer: a watch that ends is resumed without loss and without a list', async () => {
  const { informers, transport, told, put, clock } = setUp();
  informers.start();
  await informers.whenSynced();
  await clock.advance(2_000);
  transport.disconnect();
  put('w1');
  await clock.advance(0);
  assert.deepEqual(told, ['add w1']);
  assert.equal(transport.requests.length, 1);
  await informers.close();
});

test('informer: after compaction it lists again and tells what it missed', async () => {
  const { informers, transport, told, put, clock } = setUp();
  put('gone');
  put('kept');
  informers.start();
  await informers.whenSynced();
  await clock.advance(2_000);
  transport.drop(WIDGET, 'a/gone');
  put('new');
  // The watchers' queues were closed before they could take these two.
  transport.disconnect();
  transport.compact();
  await clock.advance(60_000);
  assert.deepEqual(told.toSorted(), ['add gone', 'add kept', 'add new', 'delete gone']);
  await informers.close();
});

test('informer: a refused list is tried again with growing delays', async () => {
  const { informers, informer, transport, put, clock } = setUp();
  put('w1');
  let attempts = 0;
  transport.onRequest = () => (++attempts < 5 ? new ConnectionError('connect: refused') : undefined);
  informers.start();
  await clock.advance(800);
  assert.equal(attempts, 1);
  await clock.advance(60_000);
  assert.equal(attempts, 5);
  assert.equal(informer.hasSynced, true);
  await informers.close();
});

test('informer: waiting for a sync ends when the informers close', async () => {
  const { informers, transport } = setUp();
  transport.onRequest = () => new ConnectionError('connect: refused');
  informers.start();
  const waiting = informers.whenSynced();
  await Promise.all([assert.rejects(waiting, { name: 'AbortError' }), informers.close()]);
});
