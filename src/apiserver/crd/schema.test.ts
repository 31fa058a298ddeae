import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '#api/status-error.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { CorrelatedValue } from './correlated-value.ts';
import { listProblems } from './list-problems.ts';
import { prune } from './prune.ts';
import { withDefaults } from './schema-defaults.ts';
import { schemaProblems } from './schema-problems.ts';
import { compileSchema } from './structural-schema.ts';
import { valueProblems } from './value-problems.ts';

const TEXT = { type: 'string' } as const;
const COUNT = { type: 'integer' } as const;

const spec = (properties: Record<string, JSONSchemaProps>, rest: JSONSchemaProps = {}): JSONSchemaProps => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, ...rest } },
});

test('prune: keeps what the schema has, says what it drops', () => {
  const cases: readonly [
    name: string,
    schema: JSONSchemaProps,
    given: object,
    kept: object,
    dropped: string[],
  ][] = [
    ['a field too many', spec({ a: TEXT }), { spec: { a: '1', b: 2 } }, { spec: { a: '1' } }, ['spec.b']],
    [
      'items',
      spec({ list: { type: 'array', items: { type: 'object', properties: { a: TEXT } } } }),
      { spec: { list: [{ a: '1' }, { c: 1 }] } },
      { spec: { list: [{ a: '1' }, {}] } },
      ['spec.list[1].c'],
    ],
    [
      'maps of objects',
      spec({ map: { type: 'object', additionalProperties: { type: 'object', properties: { a: TEXT } } } }),
      { spec: { map: { any: { a: '1', b: 1 } } } },
      { spec: { map: { any: { a: '1' } } } },
      ['spec.map.any.b'],
    ],
    [
      'preserved fields, but not below specified ones',
      spec({ a: { type: 'object', properties: {} } }, { 'x-kubernetes-preserve-unknown-fields': true }),
      { spec: { a: { b: 1 }, c: { d: 1 } } },
      { spec: { a: {}, c: { d: 1 } } },
      ['spec.a.b'],
    ],
    [
      'an embedded resource keeps its type and metadata',
      spec({
        pod: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          properties: { spec: { type: 'object' } },
        },
      }),
      { spec: { pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: {}, more: 1 } } },
      { spec: { pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: {} } } },
      ['spec.pod.more'],
    ],
    [
      'null only where it is allowed',
      spec({ a: TEXT, b: { type: 'string', nullable: true } }),
      { spec: { a: null, b: null } },
      { spec: { b: null } },
      [],
    ],
  ];
  for (const [name, schema, given, kept, dropped] of cases) {
    const unknown: string[] = [];
    assert.deepEqual(prune(given, compileSchema(schema), true, unknown), kept, name);
    assert.deepEqual(unknown, dropped, name);
  }
});

test('withDefaults: fills what is absent, at every depth, and null where null is not allowed', () => {
  const schema = compileSchema(
    spec({
      replicas: { type: 'integer', default: 1 },
      nested: { type: 'object', default: {}, properties: { mode: { type: 'string', default: 'auto' } } },
      list: {
        type: 'array',
        items: { type: 'object', properties: { port: { type: 'integer', default: 80 } } },
      },
      kept: { type: 'string', nullable: true, default: 'x' },
    }),
  );
  assert.deepEqual(withDefaults({ spec: { replicas: null, list: [{}], kept: null } }, schema), {
    spec: { replicas: 1, list: [{ port: 80 }], kept: null, nested: { mode: 'auto' } },
  });
  assert.deepEqual(withDefaults({}, schema), {}, 'nothing is made for a parent that is absent');
});

test('valueProblems: says what is wrong in the words clients know', () => {
  const cases: readonly [schema: JSONSchemaProps, value: unknown, ...problems: string[]][] = [
    [COUNT, '1', 'f: Invalid value: "string": f in body must be of type integer: "string"'],
    [COUNT, 1.5, 'f: Invalid value: "number": f in body must be of type integer: "number"'],
    [TEXT, null, 'f: Invalid value: "null": f in body must be of type string: "null"'],
    [{ ...TEXT, nullable: true }, null],
    [{ ...COUNT, minimum: 1 }, 0, 'f: Invalid value: 0: f in body should be greater than or equal to 1'],
    [
      { ...COUNT, maximum: 3, exclusiveMaximum: true },
      3,
      'f: Invalid value: 3: f in body should be less than 3',
    ],
    [{ ...COUNT, multipleOf: 2 }, 3, 'f: Invalid value: 3: f in body should be a multiple of 2'],
    [
      { ...COUNT, format: 'int32' },
      2 ** 31,
      'f: Invalid value: 2147483648: f in body must be of type int32: "2147483648"',
    ],
    [{ ...TEXT, maxLength: 2 }, 'abc', 'f: Too long: may not be more than 2 bytes'],
    [{ ...TEXT, maxLength: 2 }, '😀😀'],
    [{ ...TEXT, minLength: 2 }, 'a', 'f: Invalid value: "a": f in body should be at least 2 chars long'],
    [{ ...TEXT, pattern: '^a+$' }, 'b', `f: Invalid value: "b": f in body should match '^a+$'`],
    [{ ...TEXT, format: 'ipv4' }, 'x', 'f: Invalid value: "x": f in body must be of type ipv4: "x"'],
    [{ ...TEXT, format: 'date-time' }, '2026-01-01T00:00:00Z'],
    [{ ...TEXT, enum: ['a', 'b'] }, 'c', 'f: Unsupported value: "c": supported values: "a", "b"'],
    [
      { 'x-kubernetes-int-or-string': true },
      true,
      'f: Invalid value: "boolean": f in body must be of type integer,string: "boolean"',
    ],
    [{ 'x-kubernetes-int-or-string': true }, '50%'],
    [{ type: 'object', required: ['a'] }, {}, 'f.a: Required value'],
    [{ type: 'array', items: TEXT, maxItems: 1 }, ['a', 'b'], 'f: Too many: 2: must have at most 1 items'],
    [
      { type: 'object', additionalProperties: COUNT },
      { a: 'x' },
      'f.a: Invalid value: "string": f.a in body must be of type integer: "string"',
    ],
    [
      { type: 'object', properties: { a: TEXT, b: TEXT }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { a: '', b: '' },
      'f: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
    [
      { ...TEXT, not: { enum: ['no'] } },
      'no',
      'f: Invalid value: "": "f" must not validate the schema (not)',
    ],
  ];
  for (const [schema, value, ...problems] of cases) {
    const root = compileSchema({ type: 'object', properties: { f: schema } });
    assert.deepEqual(valueProblems({ f: value }, root).map(fieldErrorText), problems);
  }
});

test('listProblems: sets and maps hold nothing twice, and say so once', () => {
  const cases: readonly [schema: JSONSchemaProps, value: unknown, ...problems: string[]][] = [
    [{ type: 'array', items: TEXT, 'x-kubernetes-list-type': 'atomic' }, ['a', 'a']],
    [
      { type: 'array', items: TEXT, 'x-kubernetes-list-type': 'set' },
      ['a', 'b', 'a', 'a'],
      'f[2]: Duplicate value: "a"',
    ],
    [
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['n'],
        items: { type: 'object', properties: { n: COUNT } },
      },
      [{ n: 1 }, { n: 2 }, { n: 1, m: 1 }],
      'f[2]: Duplicate value: {"n":1}',
    ],
  ];
  for (const [schema, value, ...problems] of cases) {
    const root = compileSchema({ type: 'object', properties: { f: schema } });
    assert.deepEqual(listProblems({ f: value }, root).map(fieldErrorText), problems);
  }
});

test('valueProblems: what was wrong before and did not change does not block an update', () => {
  const item = { type: 'object', properties: { n: TEXT, size: { ...COUNT, maximum: 5 } } } as const;
  const byName = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['n'] };
  const cases: readonly [
    name: string,
    schema: JSONSchemaProps,
    before: unknown,
    after: unknown,
    ...problems: string[],
  ][] = [
    ['unchanged', { ...TEXT, maxLength: 1 }, 'long', 'long'],
    ['changed', { ...TEXT, maxLength: 1 }, 'long', 'also', 'f: Too long: may not be more than 1 bytes'],
    ['new', { ...TEXT, maxLength: 1 }, undefined, 'long', 'f: Too long: may not be more than 1 bytes'],
    [
      'an object whose other fields changed still lacks what it needs',
      { type: 'object', required: ['b'], properties: { a: TEXT, b: TEXT } },
      { a: '1' },
      { a: '2' },
      'f.b: Required value',
    ],
    [
      'items of a map are found by their keys',
      { type: 'array', items: item, ...byName },
      [{ n: 'a', size: 9 }, { n: 'b' }],
      [{ n: 'b' }, { n: 'c', size: 9 }, { n: 'a', size: 9 }],
      'f[1].size: Invalid value: 9: f[1].size in body should be less than or equal to 5',
    ],
    [
      'items of other lists are not',
      { type: 'array', items: item },
      [{ n: 'a', size: 9 }],
      [{ n: 'a', size: 9 }, { n: 'b' }],
      'f[0].size: Invalid value: 9: f[0].size in body should be less than or equal to 5',
    ],
    [
      'alternatives are looked at as a whole',
      { type: 'object', properties: { a: COUNT, b: TEXT }, allOf: [{ properties: { a: { maximum: 5 } } }] },
      { a: 9, b: '' },
      { a: 9, b: 'x' },
      'f: Invalid value: "": "f" must validate all the schemas (allOf). None validated',
      'f.a: Invalid value: 9: f.a in body should be less than or equal to 5',
    ],
  ];
  for (const [name, field, before, after, ...problems] of cases) {
    const schema = compileSchema({ type: 'object', properties: { f: field } });
    const next = { f: after };
    const correlated = new CorrelatedValue(next, before === undefined ? {} : { f: before }, schema);
    assert.deepEqual(valueProblems(next, schema, { correlated }).map(fieldErrorText), problems, name);
  }
});

test('schemaProblems: a schema that does not say what a value is is refused', () => {
  const cases: readonly [schema: JSONSchemaProps, ...problems: string[]][] = [
    [spec({ a: TEXT })],
    [{}, 's.type: Required value: must not be empty at the root'],
    [{ type: 'array', items: TEXT }, 's.type: Invalid value: "array": must be object at the root'],
    [
      spec({ a: {} }),
      's.properties[spec].properties[a].type: Required value: must not be empty for specified object fields',
    ],
    [
      spec({ a: { type: 'array' } }),
      's.properties[spec].properties[a].items: Required value: must be specified',
    ],
    [
      { type: 'object', anyOf: [{ properties: { a: { minimum: 1 } } }] },
      's.properties[a]: Required value: because it is defined in s.anyOf[0].properties[a]',
    ],
    [
      spec({ a: TEXT }, { allOf: [{ properties: { a: TEXT } }] }),
      's.properties[spec].allOf[0].properties[a].type: Forbidden: must be empty to be structural',
    ],
    [spec({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } })],
    [
      spec({ a: { type: 'integer', default: 'x' } }),
      's.properties[spec].properties[a].default: Invalid value: "string":  in body must be of type integer: "string"',
    ],
    [
      spec({
        a: {
          type: 'array',
          items: { type: 'object', properties: { k: TEXT } },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['k'],
        },
      }),
      's.properties[spec].properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
    ],
    [
      {
        type: 'object',
        properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
      },
      's.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
    ],
  ];
  for (const [schema, ...problems] of cases) {
    assert.deepEqual(
      schemaProblems(schema, 's', { hasStatus: false, isAccepted: false }).map(fieldErrorText),
      problems,
    );
  }
});
