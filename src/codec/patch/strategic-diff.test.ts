import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownStruct } from '#api/schema/schema.ts';
import type { JsonRecord } from '../own-property.ts';
import { applyMergePatch } from './merge-patch.ts';
import { threeWayPatch, twoWayPatch } from './strategic-diff.ts';
import { applyStrategicMerge } from './strategic-merge.ts';

const POD = knownStruct('core.v1.Pod');

const CASES: readonly {
  readonly name: string;
  readonly original: JsonRecord;
  readonly modified: JsonRecord;
  readonly current: JsonRecord;
  readonly result: JsonRecord;
}[] = [
  {
    name: 'what others set stays, what is not wanted any more goes',
    original: { metadata: { labels: { a: '1', b: '2' } } },
    modified: { metadata: { labels: { a: '3' } } },
    current: { metadata: { labels: { a: '1', b: '2', c: '9' } } },
    result: { metadata: { labels: { a: '3', c: '9' } } },
  },
  {
    name: 'containers are merged by name, and an injected one stays',
    original: {
      spec: {
        containers: [
          { name: 'web', image: 'a' },
          { name: 'old', image: 'o' },
        ],
      },
    },
    modified: { spec: { containers: [{ name: 'web', image: 'b' }] } },
    current: {
      spec: {
        containers: [
          { name: 'web', image: 'a', imagePullPolicy: 'Always' },
          { name: 'old', image: 'o' },
          { name: 'sidecar', image: 's' },
        ],
      },
    },
    result: {
      spec: {
        containers: [
          { name: 'web', image: 'b', imagePullPolicy: 'Always' },
          { name: 'sidecar', image: 's' },
        ],
      },
    },
  },
  {
    name: 'a volume that changes its source loses the old one',
    original: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
    modified: { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }] } },
    current: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
    result: { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }] } },
  },
  {
    name: 'a list without a merge key is replaced',
    original: { spec: { containers: [{ name: 'web', args: ['a'] }] } },
    modified: { spec: { containers: [{ name: 'web', args: ['b'] }] } },
    current: { spec: { containers: [{ name: 'web', args: ['a', 'x'] }] } },
    result: { spec: { containers: [{ name: 'web', args: ['b'] }] } },
  },
  {
    name: 'finalizers are a set',
    original: { metadata: { finalizers: ['x', 'y'] } },
    modified: { metadata: { finalizers: ['x', 'z'] } },
    current: { metadata: { finalizers: ['other', 'x', 'y'] } },
    result: { metadata: { finalizers: ['other', 'x', 'z'] } },
  },
  {
    name: 'an order of containers is kept',
    original: {},
    modified: { spec: { containers: [{ name: 'b' }, { name: 'a' }] } },
    current: { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    result: { spec: { containers: [{ name: 'b' }, { name: 'a' }] } },
  },
];

for (const { name, original, modified, current, result } of CASES) {
  test(`three-way patch: ${name}`, () => {
    const patch = threeWayPatch({ original, modified, current }, POD);
    assert.deepEqual(applyStrategicMerge(current, patch, POD), result);
  });
}

test('three-way patch: nothing to do is an empty patch', () => {
  const state = { metadata: { labels: { a: '1' } }, spec: { containers: [{ name: 'web', image: 'a' }] } };
  const current = { ...state, status: { phase: 'Running' } };
  assert.deepEqual(threeWayPatch({ original: state, modified: state, current }, POD), {});
});

test('three-way patch: without tables, lists are replaced and nothing but removals is null', () => {
  const patch = threeWayPatch(
    {
      original: { spec: { a: 1, gone: 2 } },
      modified: { spec: { a: 1, list: [{ name: 'x' }] } },
      current: { spec: { a: 5, gone: 2, list: [{ name: 'y' }], kept: true } },
    },
    undefined,
  );
  assert.deepEqual(patch, { spec: { a: 1, gone: null, list: [{ name: 'x' }] } });
});

test('two-way patch: leads from one state to the other', () => {
  const [from, to] = [
    { a: 1, b: { c: 2, d: 3 } },
    { b: { c: 4 }, e: [1] },
  ];
  assert.deepEqual(applyMergePatch(from, twoWayPatch(from, to, undefined)), to);
});
