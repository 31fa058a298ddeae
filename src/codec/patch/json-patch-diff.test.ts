import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonPatchDiff } from './json-patch-diff.ts';

const cases: readonly (readonly [name: string, before: unknown, after: unknown, patch: readonly object[]])[] =
  [
    ['equal documents need nothing', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
    ['a new field is added', {}, { a: 1 }, [{ op: 'add', path: '/a', value: 1 }]],
    [
      'a changed field is replaced',
      { a: 1, b: 2 },
      { a: 1, b: 3 },
      [{ op: 'replace', path: '/b', value: 3 }],
    ],
    ['a missing field is removed', { a: 1, b: 2 }, { b: 2 }, [{ op: 'remove', path: '/a' }]],
    ['undefined is as missing', { a: 1 }, { a: undefined, b: undefined }, [{ op: 'remove', path: '/a' }]],
    [
      'objects are compared inside',
      { spec: { x: 1, y: 1 } },
      { spec: { x: 1, y: 2 } },
      [{ op: 'replace', path: '/spec/y', value: 2 }],
    ],
    ['lists are replaced whole', { l: [1, 2] }, { l: [2] }, [{ op: 'replace', path: '/l', value: [2] }]],
    [
      'another type replaces the value',
      { a: { b: 1 } },
      { a: [1] },
      [{ op: 'replace', path: '/a', value: [1] }],
    ],
    ['keys are escaped', { m: {} }, { m: { 'a/b~c': 1 } }, [{ op: 'add', path: '/m/a~1b~0c', value: 1 }]],
  ];

for (const [name, before, after, patch] of cases) {
  test(`jsonPatchDiff: ${name}`, () => {
    assert.deepEqual(jsonPatchDiff(before, after), patch);
  });
}
