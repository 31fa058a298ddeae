import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeYaml, yamlProblem, decodeYamlDocuments, encodeYaml } from './yaml.ts';

const scalars: readonly (readonly [string, unknown])[] = [
  ['yes', true],
  ['off', false],
  ['y', true],
  ['TRUE', true],
  ['tRUE', 'tRUE'],
  ['~', null],
  ['', null],
  ['010', 8],
  ['0o10', 8],
  ['0x1F', 31],
  ['1_000', 1000],
  ['08', 8],
  ['+1', 1],
  ['1e3', 1000],
  ['.5', 0.5],
  ['1.', 1],
  ['1:30', '1:30'],
  ['2001-01-01', '2001-01-01'],
  ['2001-01-01T00:00:00Z', '2001-01-01T00:00:00Z'],
  ['12345678901234567890', 12_345_678_901_234_567_890n],
  ['"1"', '1'],
  ["'yes'", 'yes'],
  ['100m', '100m'],
  ['_1', '_1'],
];

for (const [text, value] of scalars) {
  test(`decodeYaml: ${text === '' ? 'nothing' : text} is ${typeof value} ${String(value)}`, () => {
    assert.deepEqual(decodeYaml(`a: ${text}\n`), { a: value });
  });
}

test('decodeYaml: several documents, empty ones left out', () => {
  assert.deepEqual(decodeYamlDocuments('a: 1\n---\n# nothing\n---\nb: [2, {c: 3}]\n'), [
    { a: 1 },
    { b: [2, { c: 3 }] },
  ]);
  assert.equal(decodeYaml('# only a comment\n'), null);
});

test('decodeYaml: anchors, merges and JSON are read', () => {
  assert.deepEqual(decodeYaml('a: &x {k: 1}\nb:\n  <<: *x\n  l: 2\n'), { a: { k: 1 }, b: { k: 1, l: 2 } });
  assert.deepEqual(decodeYaml('{"a":"\\u00e9"}'), { a: 'é' });
});

test('decodeYaml: a key that stands twice is refused only when strict', () => {
  assert.deepEqual(decodeYaml('a: 1\na: 2\n'), { a: 2 });
  assert.throws(() => decodeYaml('a: 1\na: 2\n', { isStrict: true }), { code: 'YAML_SYNTAX' });
});

const repeated: readonly (readonly [text: string, problem: string | undefined])[] = [
  ['a: 1\nb: {a: 1}\n', undefined],
  ['{"a":1,"b":{"a":1}}', undefined],
  ['\na: 1\nb:\n  c: 1\n  c: 2\n', 'line 5: key "c" already set in map'],
  ['"a": 1\n"a": 2\n', 'line 2: key "a" already set in map'],
  ['{"a":1,"a":2}', 'line 1: key "a" already set in map'],
];

for (const [text, problem] of repeated) {
  test(`yamlProblem: ${JSON.stringify(text)}`, () => {
    const expected =
      problem === undefined
        ? undefined
        : `error converting YAML to JSON: yaml: unmarshal errors:\n  ${problem}`;
    assert.equal(yamlProblem(text, decodeYaml(text)), expected);
  });
}

test('decodeYaml: a bomb of aliases is refused', () => {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < 10; level += 1) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(',')}]`);
  }
  assert.throws(() => decodeYaml(lines.join('\n')), { message: /excessive aliasing/ });
});

test('decodeYaml: bad text is refused with a sentence and __proto__ pollutes nothing', () => {
  assert.throws(() => decodeYaml('a: [1'), { message: /^error converting YAML to JSON: yaml: / });
  assert.equal(Reflect.get(decodeYaml('__proto__: {x: 1}') as object, 'x'), undefined);
});

test('encodeYaml: sorted, lists flush with their key, ambiguous text quoted', () => {
  const value = {
    b: ['x', { k: 1 }],
    a: { yes: 'yes', n: '123', t: 'plain', e: '', d: '2026-01-02T03:04:05Z', m: 'x\ny\n' },
  };
  const text = encodeYaml(value);
  assert.equal(
    text,
    'a:\n  d: "2026-01-02T03:04:05Z"\n  e: ""\n  m: |\n    x\n    y\n  "n": "123"\n  t: plain\n  "yes": "yes"\nb:\n- x\n- k: 1\n',
  );
  assert.deepEqual(decodeYaml(text), value);
});
