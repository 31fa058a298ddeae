import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '#api/status-error.ts';
import type { JSONSchemaProps, ValidationRule } from '#api/types/apiextensions.v1.ts';
import { CorrelatedValue } from '../correlated-value.ts';
import { compileSchema } from '../structural-schema.ts';
import { evaluateRules } from './evaluate-rules.ts';
import { followPath } from './field-path.ts';
import { ruleTreeOf } from './rule-tree.ts';

type Given = Partial<ValidationRule> | string;

const TEXT = { type: 'string' } as const;
const COUNT = { type: 'integer' } as const;

function ruled(schema: JSONSchemaProps, ...rules: readonly Given[]): JSONSchemaProps {
  return {
    ...schema,
    'x-kubernetes-validations': rules.map((rule) =>
      typeof rule === 'string' ? { rule } : { rule: 'false', ...rule },
    ),
  };
}

function inSpec(schema: JSONSchemaProps): JSONSchemaProps {
  return { type: 'object', properties: { spec: schema } };
}

function object(properties: Record<string, JSONSchemaProps>): JSONSchemaProps {
  return { type: 'object', properties };
}

const NONE = Symbol('created');

function run(props: JSONSchemaProps, next: object, previous: object | typeof NONE = NONE, budget?: number) {
  const schema = compileSchema(props);
  const tree = ruleTreeOf(schema, true);
  assert.ok(tree !== undefined);
  const old = previous === NONE ? undefined : previous;
  const correlated = old === undefined ? undefined : new CorrelatedValue(next, old, schema);
  const found = evaluateRules(tree, { value: next, old, path: '', correlated }, budget);
  return { errors: found.errors.map(fieldErrorText), warnings: found.warnings };
}

test('evaluateRules: a broken rule is said where it stands, in upstream’s words', () => {
  const cases: readonly [name: string, props: JSONSchemaProps, value: object, ...errors: string[]][] = [
    ['kept', inSpec(ruled(object({ a: COUNT }), 'self.a > 1')), { spec: { a: 2 } }],
    [
      'an object is not repeated',
      inSpec(ruled(object({ a: COUNT }), 'self.a > 1')),
      { spec: { a: 1 } },
      'spec: Invalid value: failed rule: self.a > 1',
    ],
    [
      'a scalar is',
      inSpec(object({ a: ruled(COUNT, 'self > 1') })),
      { spec: { a: 1 } },
      'spec.a: Invalid value: 1: failed rule: self > 1',
    ],
    [
      'the message, trimmed',
      inSpec(ruled(object({}), { message: ' too bad ' })),
      { spec: {} },
      'spec: Invalid value: too bad',
    ],
    [
      'a message of its own',
      inSpec(ruled(object({ a: TEXT }), { messageExpression: '"a is " + self.a', message: 'plain' })),
      { spec: { a: 'x' } },
      'spec: Invalid value: a is x',
    ],
    [
      'a message that fails, is empty or has lines gives way to the plain one',
      inSpec(
        ruled(
          object({ a: TEXT }),
          { messageExpression: 'self.b', message: 'does not compile' },
          { messageExpression: '" "', message: 'empty' },
          { messageExpression: '"a\\nb"', message: 'lines' },
          { messageExpression: 'self.a.substring(7)', message: 'fails' },
        ),
      ),
      { spec: { a: 'x' } },
      'spec: Invalid value: does not compile',
      'spec: Invalid value: empty',
      'spec: Invalid value: lines',
      'spec: Invalid value: fails',
    ],
    [
      'reasons and paths',
      inSpec(
        ruled(
          object({ a: TEXT, 'b.c': object({ d: TEXT }) }),
          { reason: 'FieldValueForbidden', message: 'm' },
          { reason: 'FieldValueRequired', fieldPath: '.a', message: 'm' },
          { reason: 'FieldValueDuplicate', fieldPath: ".['b.c'].d", message: 'm' },
          { fieldPath: "['b.c'].d", message: 'm' },
        ),
      ),
      { spec: {} },
      'spec: Forbidden: m',
      'spec.a: Required value: m',
      'spec: Duplicate value',
      'spec.b.c.d: Invalid value: m',
    ],
    [
      'the whole object has a type and a name',
      ruled(object({}), 'self.metadata.name == "x" && self.kind == "K" && self.apiVersion.startsWith("g/")'),
      { apiVersion: 'g/v1', kind: 'K', metadata: { name: 'y' } },
      '<nil>: Invalid value: failed rule: self.metadata.name == "x" && self.kind == "K" && self.apiVersion.startsWith("g/")',
    ],
    [
      'maps and lists',
      inSpec(
        object({
          map: { type: 'object', additionalProperties: ruled(COUNT, 'self > 1') },
          list: { type: 'array', items: ruled(COUNT, 'self > 1') },
        }),
      ),
      { spec: { map: { k: 1, l: 2 }, list: [2, 1] } },
      'spec.map[k]: Invalid value: 1: failed rule: self > 1',
      'spec.list[1]: Invalid value: 1: failed rule: self > 1',
    ],
    [
      'null has no rules',
      inSpec(object({ a: ruled({ ...TEXT, nullable: true }, 'false') })),
      { spec: { a: null } },
    ],
    [
      'escaped names, optional fields and formats',
      inSpec(
        ruled(
          object({
            'a-b': TEXT,
            namespace: TEXT,
            at: { type: 'string', format: 'date-time' },
            port: { 'x-kubernetes-int-or-string': true },
          }),
          'self.a__dash__b == "1" && self.__namespace__ == "2"',
          '!has(self.at) || self.at > timestamp("2020-01-01T00:00:00Z")',
          'type(self.port) == string ? self.port == "http" : self.port > 1024',
        ),
      ),
      { spec: { 'a-b': '1', namespace: '2', at: '2019-01-01T00:00:00Z', port: 80 } },
      'spec: Invalid value: failed rule: !has(self.at) || self.at > timestamp("2020-01-01T00:00:00Z")',
      'spec: Invalid value: failed rule: type(self.port) == string ? self.port == "http" : self.port > 1024',
    ],
    [
      'errors of evaluation',
      inSpec(ruled(object({ a: COUNT, b: COUNT }), 'self.b == 1', '1 / self.a == 1')),
      { spec: { a: 0 } },
      'spec: Invalid value: "object": no such key: b evaluating rule: self.b == 1',
      'spec: Invalid value: "object": division by zero evaluating rule: 1 / self.a == 1',
    ],
    [
      'int-or-string is checked when it runs',
      inSpec(object({ p: ruled({ 'x-kubernetes-int-or-string': true }, 'self.startsWith("a")') })),
      { spec: { p: 1 } },
      `spec.p: Invalid value: "": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.startsWith("a")`,
    ],
  ];
  for (const [name, props, value, ...errors] of cases) {
    assert.deepEqual(run(props, value).errors, errors, name);
  }
});

test('evaluateRules: transitions are checked where there is something to compare with', () => {
  const grows = 'self >= oldSelf';
  const byName = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['n'] };
  const item = object({ n: TEXT, size: ruled(COUNT, grows) });
  const optional = { rule: 'oldSelf.hasValue() || self == 1', optionalOldSelf: true };
  const cases: readonly [
    name: string,
    props: JSONSchemaProps,
    before: object | typeof NONE,
    after: object,
    ...errors: string[],
  ][] = [
    ['not at creation', object({ a: ruled(COUNT, grows) }), NONE, { a: 1 }],
    ['not for a new field', object({ a: ruled(COUNT, grows) }), {}, { a: 1 }],
    [
      'for a change',
      object({ a: ruled(COUNT, grows) }),
      { a: 2 },
      { a: 1 },
      'a: Invalid value: 1: failed rule: self >= oldSelf',
    ],
    [
      'for items found by their keys',
      object({ l: { type: 'array', items: item, ...byName } }),
      {
        l: [
          { n: 'a', size: 1 },
          { n: 'b', size: 5 },
        ],
      },
      {
        l: [
          { n: 'b', size: 4 },
          { n: 'a', size: 2 },
          { n: 'c', size: 0 },
        ],
      },
      'l[0].size: Invalid value: 4: failed rule: self >= oldSelf',
    ],
    [
      'an optional one is asked at creation too',
      object({ a: ruled(COUNT, optional) }),
      NONE,
      { a: 2 },
      'a: Invalid value: 2: failed rule: oldSelf.hasValue() || self == 1',
    ],
    ['and knows the value before', object({ a: ruled(COUNT, optional) }), { a: 1 }, { a: 2 }],
  ];
  for (const [name, props, before, after, ...errors] of cases) {
    assert.deepEqual(run(props, after, before).errors, errors, name);
  }
});

test('evaluateRules: a rule that was broken before and whose value did not change only warns', () => {
  const props = inSpec(
    object({ a: ruled(COUNT, 'self > 5'), b: TEXT, inner: ruled(object({ x: COUNT }), 'self.x > 5') }),
  );
  const before = { spec: { a: 1, b: 'old', inner: { x: 1 } } };
  assert.deepEqual(run(props, { spec: { a: 1, b: 'new', inner: { x: 1 } } }, before), {
    errors: [],
    warnings: [
      'spec.a: Invalid value: 1: failed rule: self > 5',
      'spec.inner: Invalid value: failed rule: self.x > 5',
    ],
  });
  assert.deepEqual(run(props, { spec: { a: 2, b: 'old', inner: { x: 1 } } }, before), {
    errors: ['spec.a: Invalid value: 2: failed rule: self > 5'],
    warnings: ['spec.inner: Invalid value: failed rule: self.x > 5'],
  });
  const transition = object({ a: ruled(COUNT, 'self > oldSelf') });
  assert.deepEqual(run(transition, { a: 1 }, { a: 1 }).errors, [
    'a: Invalid value: 1: failed rule: self > oldSelf',
  ]);
});

test('evaluateRules: what costs too much ends the validation', () => {
  const many = Array.from({ length: 200 }, (_, index) => index);
  const list = { type: 'array', items: COUNT } as const;
  const slow = 'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))';
  const after = ruled(list, slow, 'false');
  assert.deepEqual(run(object({ l: after }), { l: many }).errors, [
    `l: Invalid value: "array": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${slow}`,
  ]);
  assert.deepEqual(
    run(object({ l: ruled(list, 'self.all(a, a >= 0)', 'true') }), { l: many }, NONE, 100).errors,
    [
      'l: Invalid value: "array": validation failed due to running out of cost budget, no further validation rules will be run',
    ],
  );
});

test('followPath: names and keys, down the schema', () => {
  const schema = compileSchema(
    object({ a: object({ 'b.c': TEXT }), m: { type: 'object', additionalProperties: TEXT } }),
  );
  const cases: readonly [text: string, found: string][] = [
    ['.a', 'a'],
    [".a['b.c']", 'a.b.c'],
    [".m['it\\'s']", "m[it's]"],
    ['.m.k', 'm[k]'],
    ['.x', 'does not refer to a valid field'],
    ['.a.x', 'does not refer to a valid field'],
    ['a', 'expected [ or . but got: a'],
    ['.', 'unexpected end of JSON path'],
    ['.a[b]', 'expected single quoted string but got b'],
    [".a['b.c'", 'unexpected end of JSON path'],
    [".m['\\x']", 'invalid string literal: invalid escape char \\x'],
  ];
  for (const [text, found] of cases) {
    const result = followPath(text, schema, true);
    assert.equal('problem' in result ? result.problem : result.path, found, text);
  }
  assert.deepEqual(followPath(".a['b.c']", schema, false), { problem: 'array notation is not allowed' });
});
