import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText, StatusError } from '#api/status-error.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { withOwnMetadata } from './converted-metadata.ts';
import { CorrelatedValue, ListByKey } from './correlated-value.ts';
import { withReadMetadata } from './embedded-metadata.ts';
import { embeddedProblems } from './embedded-problems.ts';
import { finalizerWarnings } from './finalizer-warnings.ts';
import { scaleSpecProblems, scaleStatusProblems } from './scale-problems.ts';
import { compileSchema } from './structural-schema.ts';

const TEXT = { type: 'string' } as const;
const EMBEDDED: JSONSchemaProps = {
  type: 'object',
  'x-kubernetes-embedded-resource': true,
  'x-kubernetes-preserve-unknown-fields': true,
};
const HOLDER = compileSchema({
  type: 'object',
  properties: {
    pod: EMBEDDED,
    pods: { type: 'array', items: EMBEDDED },
    byName: { type: 'object', additionalProperties: EMBEDDED },
  },
});

test('embeddedProblems: objects inside an object have a type, and metadata that could be real', () => {
  const good = { apiVersion: 'v1', kind: 'Pod' };
  const cases: readonly [value: object, ...said: string[]][] = [
    [{ pod: good, pods: [good], byName: { a: good } }],
    [{ pod: { ...good, metadata: { labels: { a: 'b' } } } }],
    [{ pod: {} }, 'pod.apiVersion: Required value', 'pod.kind: Required value'],
    [
      { pods: [{ apiVersion: '', kind: 1 }] },
      'pods[0].apiVersion: Invalid value: "": must not be empty',
      'pods[0].kind: Invalid value: 1: must be a string',
    ],
    [
      { byName: { a: { apiVersion: 'a/b/c', kind: 'Pod_' } } },
      'byName[a].apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      `byName[a].kind: Invalid value: "Pod_": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    ],
    [
      { pod: { ...good, metadata: { name: 'a/b' } } },
      `pod.metadata.name: Invalid value: "a/b": may not contain '/'`,
    ],
  ];
  for (const [value, ...said] of cases) {
    assert.deepEqual(embeddedProblems(value, HOLDER).map(fieldErrorText), said);
  }
});

test('withReadMetadata: metadata inside an object has the fields of all metadata', () => {
  const unknown: string[] = [];
  const read = withReadMetadata(
    { pods: [{ kind: 'Pod', metadata: { name: 'a', mood: 1 } }], pod: { metadata: { labels: { a: 'b' } } } },
    HOLDER,
    unknown,
  );
  assert.deepEqual(read, {
    pods: [{ kind: 'Pod', metadata: { name: 'a' } }],
    pod: { metadata: { labels: { a: 'b' } } },
  });
  assert.deepEqual(unknown, ['pods[0].metadata.mood']);
  assert.throws(() => withReadMetadata({ pod: { metadata: { labels: 1 } } }, HOLDER), StatusError);
});

test('scale problems: replicas are whole and fit, selectors are texts', () => {
  const paths = {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  };
  const cases: readonly [object: object, ...said: string[]][] = [
    [{}],
    [{ spec: { replicas: 3 }, status: { replicas: 3, selector: 'a=b' } }],
    [{ spec: { replicas: -1 } }, '.spec.replicas: Invalid value: -1: should be a non-negative integer'],
    [
      { spec: { replicas: 2 ** 31 } },
      '.spec.replicas: Invalid value: 2147483648: should be less than or equal to 2147483647',
    ],
    [
      { spec: { replicas: '3' } },
      '.spec.replicas: Invalid value: 0: .spec.replicas accessor error: 3 is of the type string, expected int64',
    ],
    [
      { spec: 1 },
      '.spec.replicas: Invalid value: 0: .spec accessor error: 1 is of the type int64, expected map[string]interface{}',
    ],
    [
      { status: { replicas: 1.5, selector: 1 } },
      '.status.replicas: Invalid value: 0: .status.replicas accessor error: 1.5 is of the type float64, expected int64',
      '.status.selector: Invalid value: "": .status.selector accessor error: 1 is of the type int64, expected string',
    ],
  ];
  for (const [object, ...said] of cases) {
    const found = [...scaleSpecProblems(object, paths), ...scaleStatusProblems(object, paths)];
    assert.deepEqual(found.map(fieldErrorText), said);
  }
});

const withMetadata = (metadata: object): DraftObject =>
  ({ apiVersion: 'g/v1', kind: 'K', metadata }) as unknown as DraftObject;

test('finalizerWarnings: new finalizers whose names say too little', () => {
  const finalizers = ['orphan', 'x.y/z', 'a.b', 'plain', 'bad name'];
  const said = finalizerWarnings(withMetadata({ finalizers }), undefined);
  assert.deepEqual(
    said.map((text) => text.slice(0, 112)),
    [
      'metadata.finalizers: "a.b": prefer a domain-qualified finalizer name including a path (/) to avoid accidental co',
      "metadata.finalizers: \"bad name\": name part must consist of alphanumeric characters, '-', '_' or '.', and must st",
      'metadata.finalizers: "bad name": prefer a domain-qualified finalizer name to avoid accidental conflicts with oth',
      'metadata.finalizers: "plain": prefer a domain-qualified finalizer name to avoid accidental conflicts with other ',
    ],
  );
  assert.deepEqual(finalizerWarnings(withMetadata({ finalizers }), withMetadata({ finalizers })), []);
});

test('CorrelatedValue: values are compared with what they replace, lists that are maps by their keys', () => {
  const schema = compileSchema({
    type: 'object',
    properties: {
      map: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['n'],
        items: { type: 'object', properties: { n: TEXT, v: TEXT } },
      },
      list: { type: 'array', items: TEXT },
      open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  });
  const before = { map: [{ n: 'a', v: '1' }, { n: 'b' }], list: ['x', 'y'], open: { z: 1 } };
  const after = { map: [{ n: 'b' }, { n: 'a', v: '2' }, { n: 'c' }], list: ['x', 'y'], open: { z: 1 } };
  const both = new CorrelatedValue(after, before, schema);
  const shown = {
    all: both.isUnchanged,
    map: both.key('map')?.isUnchanged,
    moved: both.key('map')?.index(0)?.isUnchanged,
    changed: both.key('map')?.index(1)?.isUnchanged,
    new: both.key('map')?.index(2)?.isUnchanged,
    list: both.key('list')?.isUnchanged,
    item: both.key('list')?.index(0),
    open: both.key('open')?.isUnchanged,
    absent: both.key('none'),
  };
  assert.deepEqual(shown, {
    all: false,
    map: false,
    moved: true,
    changed: false,
    new: undefined,
    list: true,
    item: undefined,
    open: false,
    absent: undefined,
  });
  const keys = schema.properties.get('map');
  assert.ok(keys !== undefined);
  const list = new ListByKey(keys, [{ n: 'a', v: 'first' }, { n: 'a', v: 'second' }, { v: 'none' }, 'text']);
  assert.deepEqual(
    [list.get({ n: 'a' }), list.get({ n: {} }), list.get('a')],
    [{ n: 'a', v: 'first' }, undefined, undefined],
  );
});

test('withOwnMetadata: whoever converts may change labels and annotations', () => {
  const original = withMetadata({
    name: 'a',
    uid: 'u',
    generation: 3,
    labels: { a: 'b' },
    annotations: { c: 'd' },
  });
  const convert = (metadata: unknown): unknown => {
    const result = withOwnMetadata(original, { apiVersion: 'g/v2', kind: 'K', metadata });
    return typeof result === 'string' ? result : result.metadata;
  };
  const kept = { name: 'a', uid: 'u' };
  assert.deepEqual(convert({ ...kept, generation: 9, labels: { x: 'y' } }), {
    name: 'a',
    uid: 'u',
    generation: 3,
    labels: { x: 'y' },
  });
  const cases: readonly [metadata: unknown, said: string][] = [
    [undefined, 'missing metadata in converted object'],
    [1, 'invalid metadata of type number in converted object'],
    [{ name: 'b', uid: 'u' }, 'must have the same name: a != b'],
    [{ name: 'a', uid: 'v' }, 'must have the same UID: u != v'],
    [{ ...kept, labels: { a: 1 } }, 'metadata.labels[a] must be a string, but is number in converted object'],
    [{ ...kept, annotations: [] }, 'invalid metadata.annotations of type object in converted object'],
  ];
  for (const [metadata, said] of cases) {
    assert.equal(convert(metadata), said);
  }
  assert.match(
    String(convert({ ...kept, labels: { 'a b': 'c' } })),
    /^metadata\.labels: Invalid value: "a b": name part must/,
  );
});
