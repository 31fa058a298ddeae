import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { encodeStored } from '#codec/stored-form.ts';
import type { KeyValue } from '#store/store.ts';
import { ObjectCache } from './object-cache.ts';
import { storedLayout, StoredObject } from './stored-object.ts';

const LAYOUT = storedLayout({ group: '', version: 'v1', kind: 'ConfigMap' });

function entryAt(revision: number): KeyValue & { readonly object: ApiObject } {
  const metadata = { name: 'a', namespace: 'b', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata } as unknown as ApiObject;
  return {
    key: '/registry/configmaps/b/a',
    value: encodeStored(object),
    createRevision: 1,
    modRevision: revision,
    version: revision,
    lease: 0,
    object,
  };
}

function openCache(): ObjectCache {
  return new ObjectCache(LAYOUT, (entry) => StoredObject.fromStore(entry, LAYOUT));
}

test('ObjectCache: the view before a change is at hand for those who look at the change', () => {
  const cache = openCache();
  const [first, second, third] = [entryAt(1), entryAt(2), entryAt(3)];
  const before = cache.written(first.key, first.value, 1, first.object);
  equal(cache.past(first), before);
  const after = cache.written(second.key, second.value, 2, second.object);
  equal(cache.past(first), before);
  equal(cache.past(second), after);
  equal(cache.past(third), undefined);
});

test('ObjectCache: a historical read does not push out the newest view', () => {
  const cache = openCache();
  const [first, second] = [entryAt(1), entryAt(2)];
  const newest = cache.view(second);
  equal(cache.view(first).revision, 1);
  equal(cache.view(second), newest);
});

test('ObjectCache: a forgotten key is read anew', () => {
  const cache = openCache();
  const entry = entryAt(1);
  const view = cache.view(entry);
  cache.forget(entry.key);
  equal(cache.past(entry), undefined);
  equal(cache.view(entry) === view, false);
});
