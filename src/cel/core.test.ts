import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemaVariable } from './environment.ts';
import { compileError, show, withVariables } from './expression.fixture.ts';
import type { Json } from './json-of-value.ts';

const EXPRESSIONS: readonly (readonly [source: string, value: Json])[] = [
  // Literals
  ['1', 1],
  ['-9223372036854775808', -9223372036854775808n],
  ['0x55555555', 1431655765],
  ['-0x7f', -127],
  ['18446744073709551615u', '18446744073709551615u'],
  ['-1.5e3', '-1500d'],
  ['.5', '0.5d'],
  [String.raw`"\u270c\x41\101\n"`, '✌AA\n'],
  [String.raw`r"\d"`, String.raw`\d`],
  ['"""a "quoted" word"""', 'a "quoted" word'],
  ["'''a\nb'''", 'a\nb'],
  [String.raw`b"\xff\000a" == b'\377\x00a'`, true],
  ['null', null],
  // Arithmetic and its limits
  ['1 + 2 * 3 - 4 / 2', 5],
  ['-7 / 2', -3],
  ['-7 % 2', -1],
  ['9223372036854775807 + 1', 'error: integer overflow'],
  ['-9223372036854775808 - 1', 'error: integer overflow'],
  ['5000000000 * 5000000000', 'error: integer overflow'],
  ['3037000499 * 3037000499', 9223372030926249001n],
  ['-(-9223372036854775807 - 1)', 'error: integer overflow'],
  ['9007199254740993 - 1', 9007199254740992n],
  ['9007199254740993 - 2', 9007199254740991],
  ['1 / 0', 'error: division by zero'],
  ['1 % 0', 'error: modulus by zero'],
  ['1u - 2u', 'error: unsigned integer overflow'],
  ['1.0 / 0.0', 'Infinityd'],
  ['"a" + "b"', 'ab'],
  ['[1] + [2]', [1, 2]],
  // Equality and order
  ['1 == 1', true],
  ['dyn(1) == 1.0 && dyn(1u) == 1 && dyn(1.0) == 1u', true],
  ['dyn(9007199254740993) == 9007199254740992.0', false],
  ['[1, 2] == [1, 2] && {"a": [1]} == {"a": [1]}', true],
  ['dyn("1") == 1', false],
  ['double("NaN") == double("NaN")', false],
  ['1 < 2.5 && 2u > 1 && 1.5 <= 2u', true],
  ['double("nan") < 1.0 || double("nan") >= 1.0', false],
  ['"\\uffff" < "\\U00010000"', true],
  ['b"a" < b"b" && false < true', true],
  // Logic absorbs errors
  ['false && 1 / 0 == 1', false],
  ['1 / 0 == 1 && false', false],
  ['true || 1 / 0 == 1', true],
  ['1 / 0 == 1 || true', true],
  ['1 / 0 == 1 || false', 'error: division by zero'],
  ['true ? 1 : 1 / 0', 1],
  ['1 / 0 == 1 ? 1 : 2', 'error: division by zero'],
  ['!true', false],
  // Collections
  ['[1, 2, 3][1]', 2],
  ['[1, 2, 3][3]', 'error: index out of bounds: 3'],
  ['{"a": 1}.a + {"a": 1}["a"]', 2],
  ['{"a": 1}["b"]', 'error: no such key: b'],
  ['{1: "x"}[dyn(1u)]', 'x'],
  ['{"a": 1, "a": 2}', 'error: Failed with repeated key'],
  ['2 in [1, 2] && !("c" in {"a": 1})', true],
  ['size("héé") + size([1, 2]) + {"a": 1}.size()', 6],
  ['size("🙂")', 1],
  // Macros
  ['[1, 2, 3].all(x, x > 0)', true],
  ['[1, 2, 0].exists(x, 1 / x == 1)', true],
  ['[0, 1].all(x, 1 / x == 2)', false],
  ['[0].all(x, 1 / x == 2)', 'error: division by zero'],
  ['[1, 2, 2].exists_one(x, x == 2)', false],
  ['[1, 2].map(x, x * x)', [1, 4]],
  ['[1, 2, 3].map(x, x > 1, x * 2)', [4, 6]],
  ['[1, 2, 3].filter(x, x % 2 == 1)', [1, 3]],
  ['[[1], [2]].map(x, x.map(y, y + x[0]))', [[2], [4]]],
  ['{"a": 1, "b": 2}.map(k, k)', ['a', 'b']],
  ['has({"a": 1}.a) && !has({"a": 1}.b)', true],
  ['["a", "b"].all(i, v, v == ["a", "b"][i])', true],
  ['{"a": 1}.exists(k, v, k == "a" && v == 1)', true],
  ['[4, 5].transformList(i, v, i * v)', [0, 5]],
  ['[4, 5].transformList(i, v, i > 0, v)', [5]],
  ['{"a": 1, "b": 2}.transformMap(k, v, v + 1)', { a: 2, b: 3 }],
  ['{"a": "x", "b": "y"}.transformMapEntry(k, v, {v: k})', { x: 'a', y: 'b' }],
  ['{"a": "x", "b": "x"}.transformMapEntry(k, v, {v: k})', 'error: insert failed: key x already exists'],
  ['cel.bind(x, 2, x * x)', 4],
  ['cel.bind(x, 1 / 0, true || x == 1)', true],
  // Optionals
  ['{"a": 1}.?a.orValue(5)', 1],
  ['{"a": 1}.?b.orValue(5)', 5],
  ['{"a": {"b": 2}}.?a.b', ['some', 2]],
  ['[1][?3].hasValue()', false],
  ['optional.none().value()', 'error: optional.none() dereference'],
  ['optional.of(1).or(optional.of(2)).value()', 1],
  ['[?{"a": 1}.?a, ?optional.none()]', [1]],
  ['{?"x": {"a": 1}.?b, "y": 2}', { y: 2 }],
  ['optional.of(2).optMap(x, x + 1).value()', 3],
  ['optional.of(2).optFlatMap(x, optional.none()).hasValue()', false],
  // Conversions
  ['int("-5") + int(2.9) + int(3u)', 0],
  ['int("1.5")', "error: type conversion error from 'string' to 'int'"],
  ['int(1e19)', 'error: integer overflow'],
  ['uint(-1)', 'error: unsigned integer overflow'],
  ['string(1.0) + string(1e100) + string(true)', '11e+100true'],
  ['bool("T")', true],
  ['string(b"\\xff")', 'error: invalid UTF-8 in bytes, cannot convert to string'],
  ['type(1) == int && type([]) == list && type(type(1)) == type', true],
  ['type(null)', 'type: null_type'],
  ['string(duration("1h30m")) + string(duration("1.5ms"))', '5400s0.0015s'],
  ['timestamp("2026-01-31T00:00:00+01:00") + duration("1h")', '2026-01-31T00:00:00Z'],
  ['timestamp(dyn("2026-02-30T00:00:00Z"))', 'error: invalid timestamp "2026-02-30T00:00:00Z"'],
  ['timestamp("9999-12-31T23:59:59Z") + duration("1s")', 'error: timestamp overflow'],
  ['timestamp(60) - timestamp(0) == duration("1m")', true],
  ['duration("100s").getMinutes()', 1],
  // Dispatch on what values turn out to be
  ['dyn(1) + 2', 3],
  ['dyn("a") + dyn(1)', 'error: no such overload'],
];

test('expressions: come to the values the language defines', () => {
  for (const [source, value] of EXPRESSIONS) {
    assert.deepEqual(show(source), value, source);
  }
});

const ENVIRONMENT = withVariables(
  schemaVariable('self', {
    kind: 'object',
    name: 'Widget',
    fields: {
      replicas: { schema: { kind: 'int' } },
      name: { schema: { kind: 'string' } },
      ratio: { schema: { kind: 'double' } },
      note: { schema: { kind: 'string', nullable: true } },
      size: { schema: { kind: 'int-or-string' } },
      since: { schema: { kind: 'date-time' } },
      labels: { schema: { kind: 'map', values: { kind: 'string' } } },
      ports: { schema: { kind: 'list', items: { kind: 'int' }, listKind: 'set' } },
      __namespace__: { property: 'namespace', schema: { kind: 'string' } },
    },
  }),
  schemaVariable('any', { kind: 'dyn' }),
);

const SELF = {
  replicas: 3,
  name: 'web',
  ratio: 2,
  note: null,
  size: '10%',
  since: '2026-01-01T00:00:00Z',
  labels: { app: 'x' },
  ports: [80, 443],
  namespace: 'default',
};

test('host values: are read as their schema declares them', () => {
  const table: readonly (readonly [string, Json])[] = [
    ['self.replicas + 1', 4],
    ['self.ratio / 4.0', '0.5d'],
    ['self.note', 'error: no such key: note'],
    ['!has(self.note) && !has(self.labels.b)', true],
    ['self.size == "10%"', true],
    ['self.since < timestamp("2027-01-01T00:00:00Z")', true],
    ['self.labels.all(k, self.labels[k] == "x")', true],
    ['self.ports == [443, 80]', true],
    ['self.ports + [80, 22]', [80, 443, 22]],
    ['self.__namespace__', 'default'],
    ['any.items[0].x', 1],
    ['any.missing', 'error: no such key: missing'],
    ['self == self', true],
  ];
  for (const [source, value] of table) {
    assert.deepEqual(show(source, ENVIRONMENT, { self: SELF, any: { items: [{ x: 1 }] } }), value, source);
  }
});

test('host values: data that breaks the schema is an error, not a value', () => {
  const read = (source: string, self: unknown): Json => show(source, ENVIRONMENT, { self });
  assert.equal(read('self.replicas', { replicas: 'x' }), 'error: invalid data, expected an int, got string');
  assert.equal(
    read('self.ports[0]', { ports: [null] }),
    'error: invalid data, got null for schema with nullable=false',
  );
  assert.equal(read('self.name', {}), 'error: no such key: name');
  assert.equal(read('self.name', { name: null }), 'error: no such key: name');
  assert.equal(read('has(self.labels.constructor)', { labels: {} }), false);
  assert.equal(show('self.name', ENVIRONMENT, {}), 'error: no such attribute(s): self');
});

test('compile: says what is wrong and where', () => {
  const table: readonly (readonly [string, string])[] = [
    ['duration("1x")', 'ERROR: <input>:1:10: invalid duration argument\n | duration("1x")\n | .........^'],
    [
      'timestamp("2026-02-30T00:00:00Z")',
      'ERROR: <input>:1:11: invalid timestamp argument\n | timestamp("2026-02-30T00:00:00Z")\n | ..........^',
    ],
    ['self.foo', "ERROR: <input>:1:5: undefined field 'foo'\n | self.foo\n | ....^"],
    ['other', "ERROR: <input>:1:1: undeclared reference to 'other' (in container '')\n | other\n | ^"],
    [
      'self.replicas + "a"',
      "ERROR: <input>:1:15: found no matching overload for '_+_' applied to '(int, string)'\n | self.replicas + \"a\"\n | ..............^",
    ],
    [
      'self.name.size(1)',
      "ERROR: <input>:1:15: found no matching overload for 'size' applied to 'string.(int)'\n | self.name.size(1)\n | ..............^",
    ],
    [
      'self.name && true',
      "ERROR: <input>:1:5: expected type 'bool' but found 'string'\n | self.name && true\n | ....^",
    ],
    ['[1, "a"]', "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, \"a\"]\n | ....^"],
    [
      '1.all(x, true)',
      "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | 1.all(x, true)\n | ^",
    ],
    [
      'self.name.x',
      "ERROR: <input>:1:10: type 'string' does not support field selection\n | self.name.x\n | .........^",
    ],
    [
      '1 +',
      "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^",
    ],
    ['"✌" + if', 'ERROR: <input>:1:7: reserved identifier: if\n | "✌" + if\n | .．....^'],
    ['[1].map(1, 2)', 'ERROR: <input>:1:9: argument is not an identifier\n | [1].map(1, 2)\n | ........^'],
    ['9223372036854775808', 'ERROR: <input>:1:1: invalid int literal\n | 9223372036854775808\n | ^'],
  ];
  for (const [source, message] of table) {
    assert.equal(compileError(source, ENVIRONMENT), message);
  }
});

test('compile: hostile sources are refused in bounded time', () => {
  assert.match(
    compileError('('.repeat(5000) + '1' + ')'.repeat(5000)),
    /expression recursion limit exceeded: 250/,
  );
  assert.match(compileError('1' + '+1'.repeat(20_000)), /expression recursion limit exceeded: 250/);
  assert.match(
    compileError('a'.repeat(100_001)),
    /code point size exceeds limit: size: 100001, limit 100000/,
  );
  assert.equal(compileError(Array.from({ length: 3000 }, () => 'true').join(' && ')), 'compiled');
  const chain = `optional.of(1)${'.optMap(x, x + 1)'.repeat(40)}.hasValue()`;
  assert.equal(compileError(chain), 'compiled');
});

test('evaluate: a growing collection costs time in proportion to its size', () => {
  const numbers = Array.from({ length: 50_000 }, (_, index) => index);
  assert.equal(show('any.map(x, x).filter(x, x >= 0).size()', ENVIRONMENT, { any: numbers }), 50_000);
});
