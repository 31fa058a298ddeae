import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { StaticInformers } from './static-informers.ts';

interface Widget extends ApiObject {
  readonly spec: { readonly nodeName?: string };
}

const WIDGET: ResourceType<Widget> = {
  group: 'example.dev',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  isNamespaced: true,
};

test('static informers: handlers see adds, updates, deletes in order', () => {
  const informers = new StaticInformers();
  const told: string[] = [];
  informers.set(WIDGET, { metadata: { namespace: 'a', name: 'early' } });
  informers.of(WIDGET).addHandler({
    onAdd: (object) => told.push(`add ${object.metadata.name}`),
    onUpdate: (previous, current) =>
      told.push(
        `update ${current.metadata.name} ${previous.metadata.resourceVersion}→${current.metadata.resourceVersion}`,
      ),
    onDelete: (last) => told.push(`delete ${last.metadata.name}`),
  });
  informers.start();
  informers.set(WIDGET, { metadata: { namespace: 'a', name: 'late' } });
  informers.set(WIDGET, { metadata: { namespace: 'a', name: 'late', labels: { x: 'y' } } });
  informers.delete(WIDGET, 'a/late');
  assert.deepEqual(told, ['add early', 'add late', 'update late 2→3', 'delete late']);
});

test('static informers: a new UID under the same name is a delete and an add', () => {
  const informers = new StaticInformers();
  const told: string[] = [];
  informers.of(WIDGET).addHandler({
    onAdd: (object) => told.push(`add ${object.metadata.uid}`),
    onDelete: (last) => told.push(`delete ${last.metadata.uid}`),
  });
  informers.start();
  informers.set(WIDGET, { metadata: { namespace: 'a', name: 'w', uid: 'one' } });
  informers.set(WIDGET, { metadata: { namespace: 'a', name: 'w', uid: 'two' } });
  assert.deepEqual(told, ['add one', 'delete one', 'add two']);
});

test('static informers: scopes and indexes', () => {
  const informers = new StaticInformers();
  const onNode = informers.of(WIDGET, { fieldSelector: 'spec.nodeName=n1' });
  const all = informers.of(WIDGET);
  all.addIndex('node', (object) => [object.spec.nodeName ?? '']);
  informers.start();
  informers.set(WIDGET, { metadata: { namespace: 'a', name: 'w' }, spec: { nodeName: 'n1' } });
  informers.set(WIDGET, { metadata: { namespace: 'b', name: 'v' }, spec: { nodeName: 'n2' } });
  assert.deepEqual(
    onNode.list().map((object) => object.metadata.name),
    ['w'],
  );
  assert.deepEqual(
    all.byIndex('node', 'n2').map((object) => object.metadata.name),
    ['v'],
  );
  assert.deepEqual(
    all.byIndex('namespace', 'a').map((object) => object.metadata.name),
    ['w'],
  );
  informers.set(WIDGET, { metadata: { namespace: 'a', name: 'w' }, spec: { nodeName: 'n2' } });
  assert.deepEqual(onNode.list(), []);
  assert.equal(all.byIndex('node', 'n2').length, 2);
  assert.ok(Object.isFrozen(all.get('a/w')?.spec));
});
