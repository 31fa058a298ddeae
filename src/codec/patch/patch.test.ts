import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { structOfKind } from '#api/schema/schema.ts';
import { defined } from '#base/assert.ts';
import { deepFreeze } from '../canonical.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicMerge } from './strategic-merge.ts';

const mergeCases: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 1, b: { c: 2 } }, { b: { c: null, d: 3 } }, { a: 1, b: { d: 3 } }],
  [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
  [{ a: 1 }, { b: { c: null, d: { e: null } } }, { a: 1, b: { d: {} } }],
  [{ a: 'x' }, { a: { b: 1 } }, { a: { b: 1 } }],
];

for (const [current, patch, expected] of mergeCases) {
  test(`mergePatch: ${JSON.stringify(patch)}`, () => {
    assert.deepEqual(applyMergePatch(deepFreeze(current), deepFreeze(patch)), expected);
  });
}

test('mergePatch: applying twice is applying once, and unchanged parts are shared', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (current, patch) => {
        const once = applyMergePatch(deepFreeze(current), deepFreeze(patch));
        assert.deepEqual(applyMergePatch(once, patch), once);
      },
    ),
  );
  const current = { kept: { deep: true }, changed: 1 };
  assert.equal((applyMergePatch(current, { changed: 2 }) as typeof current).kept, current.kept);
});

const jsonCases: readonly (readonly [unknown, readonly object[], unknown])[] = [
  [{ a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
  [
    { a: [1, 3] },
    [
      { op: 'add', path: '/a/1', value: 2 },
      { op: 'add', path: '/a/-', value: 4 },
    ],
    { a: [1, 2, 3, 4] },
  ],
  [{ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
  [{ a: { 'x/y~z': 1 } }, [{ op: 'replace', path: '/a/x~1y~0z', value: 2 }], { a: { 'x/y~z': 2 } }],
  [{ a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
  [{ a: { c: 1 } }, [{ op: 'copy', from: '/a', path: '/b' }], { a: { c: 1 }, b: { c: 1 } }],
  [{ a: { c: 1, d: 2 } }, [{ op: 'test', path: '/a', value: { d: 2, c: 1 } }], { a: { c: 1, d: 2 } }],
  [{ a: 1 }, [{ op: 'test', path: '/missing', value: null }], { a: 1 }],
  [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 1 } }], { b: 1 }],
];

for (const [current, patch, expected] of jsonCases) {
  test(`jsonPatch: ${JSON.stringify(patch)}`, () => {
    assert.deepEqual(applyJsonPatch(deepFreeze(current), deepFreeze(patch)), expected);
  });
}

const jsonRefused: readonly (readonly [unknown, number])[] = [
  [{}, 400],
  [[{ op: 'add' }], 400],
  [[{ op: 'test', path: '/a', value: 2 }], 422],
  [[{ op: 'remove', path: '/missing' }], 422],
  [[{ op: 'replace', path: '/missing', value: 1 }], 422],
  [[{ op: 'add', path: '/missing/deep', value: 1 }], 422],
  [[{ op: 'add', path: '/list/9', value: 1 }], 422],
  [[{ op: 'move', from: '/list', path: '/list/0' }], 422],
  [Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })), 413],
];

for (const [patch, code] of jsonRefused) {
  test(`jsonPatch: ${JSON.stringify(patch).slice(0, 60)} is refused with ${code}`, () => {
    assert.throws(() => applyJsonPatch({ a: 1, list: [1] }, patch), { code });
  });
}

test('jsonPatch: copies that double a document again and again are stopped', () => {
  const copies = Array.from({ length: 30 }, (_, index) => ({ op: 'copy', from: '', path: `/k${index}` }));
  assert.throws(() => applyJsonPatch({ a: 'x'.repeat(100) }, copies), { code: 413 });
});

const DEPLOYMENT = defined(structOfKind('apps', 'v1', 'Deployment'), 'Deployment');
const CONFIG_MAP = defined(structOfKind('', 'v1', 'ConfigMap'), 'ConfigMap');
const SERVICE = defined(structOfKind('', 'v1', 'Service'), 'Service');

const pod = (spec: object): object => ({ spec: { template: { spec } } });

const strategicCases: readonly (readonly [string, object, object, object, typeof DEPLOYMENT?])[] = [
  [
    'containers are merged by name, a new one first as the patch has it',
    pod({
      containers: [
        { name: 'a', image: 'a:1' },
        { name: 'b', image: 'b:1' },
      ],
    }),
    pod({
      containers: [
        { name: 'b', image: 'b:2' },
        { name: 'c', image: 'c:1' },
      ],
    }),
    pod({
      containers: [
        { name: 'a', image: 'a:1' },
        { name: 'b', image: 'b:2' },
        { name: 'c', image: 'c:1' },
      ],
    }),
  ],
  [
    'an item is deleted by directive',
    pod({ containers: [{ name: 'a' }, { name: 'b' }] }),
    pod({ containers: [{ name: 'a', $patch: 'delete' }] }),
    pod({ containers: [{ name: 'b' }] }),
  ],
  [
    'a list is replaced by directive',
    pod({ containers: [{ name: 'a' }, { name: 'b' }] }),
    pod({ containers: [{ $patch: 'replace' }, { name: 'c' }] }),
    pod({ containers: [{ name: 'c' }] }),
  ],
  [
    'an atomic list is replaced',
    pod({ tolerations: [{ key: 'a' }] }),
    pod({ tolerations: [{ key: 'b' }] }),
    pod({ tolerations: [{ key: 'b' }] }),
  ],
  [
    'retainKeys drops the other members of a union',
    { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    { spec: { strategy: { type: 'Recreate' } } },
  ],
  [
    'setElementOrder puts items in order, and what only the server has stays before what followed it',
    pod({ containers: [{ name: 'a' }, { name: 'server' }, { name: 'b' }] }),
    pod({ '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }),
    pod({ containers: [{ name: 'server' }, { name: 'b' }, { name: 'a' }] }),
  ],
  [
    'null removes, and a new map comes without its nulls',
    { metadata: { labels: { a: '1', b: '2' } } },
    { metadata: { labels: { a: null }, annotations: { x: null, y: '1' } } },
    { metadata: { labels: { b: '2' }, annotations: { y: '1' } } },
  ],
  [
    'a map is replaced by directive',
    { data: { a: '1' } },
    { data: { $patch: 'replace', b: '2' } },
    { data: { b: '2' } },
    CONFIG_MAP,
  ],
  [
    'finalizers are a set, with removal by directive',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } },
    { metadata: { finalizers: ['c', 'b'] } },
  ],
  [
    'ports of a Service are merged by port',
    { spec: { ports: [{ port: 80, name: 'http' }] } },
    {
      spec: {
        ports: [
          { port: 443, name: 'https' },
          { port: 80, targetPort: 8080 },
        ],
      },
    },
    {
      spec: {
        ports: [
          { port: 443, name: 'https' },
          { port: 80, name: 'http', targetPort: 8080 },
        ],
      },
    },
    SERVICE,
  ],
];

for (const [name, current, patch, expected, struct = DEPLOYMENT] of strategicCases) {
  test(`strategicMerge: ${name}`, () => {
    assert.deepEqual(applyStrategicMerge(deepFreeze(current), deepFreeze(patch), struct), expected);
  });
}

test('strategicMerge: an item without its merge key and an unknown directive are refused', () => {
  const current = pod({ containers: [{ name: 'a' }] });
  assert.throws(() => applyStrategicMerge(current, pod({ containers: [{ image: 'x' }] }), DEPLOYMENT), {
    code: 422,
  });
  assert.throws(() => applyStrategicMerge(current, { spec: { $patch: 'explode' } }, DEPLOYMENT), {
    code: 422,
  });
  assert.throws(() => applyStrategicMerge(current, [], DEPLOYMENT), { code: 400 });
});
