import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderJsonPath } from './json-path.ts';
import { parseJsonPathTemplate } from './json-path-parser.ts';

const DATA = {
  kind: 'List',
  items: [
    { metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'web' } }, size: 1, tags: ['x', 'y'] },
    { metadata: { name: 'b' }, size: 2, ready: true },
    { metadata: { name: 'c' }, size: 3, status: { phase: 'Failed' } },
  ],
};

const CASES: readonly (readonly [string, string])[] = [
  ['{.kind}', 'List'],
  ['kind is {.kind}!', 'kind is List!'],
  ['{.items[*].metadata.name}', 'a b c'],
  ['{.items[0].metadata.name}', 'a'],
  ['{.items[-1].metadata.name}', 'c'],
  ['{.items[0:2].metadata.name}', 'a b'],
  ['{.items[::2].metadata.name}', 'a c'],
  ['{.items[0,2].metadata.name}', 'a c'],
  ["{.items[0]['size','tags']}", '1 ["x","y"]'],
  [String.raw`{.items[0].metadata.labels.app\.kubernetes\.io/name}`, 'web'],
  ["{.items[0].metadata.labels['app.kubernetes.io/name']}", 'web'],
  ['{.items[?(@.size>1)].metadata.name}', 'b c'],
  ['{.items[?(@.status.phase=="Failed")].metadata.name}', 'c'],
  ['{.items[?(@.ready==true)].metadata.name}', 'b'],
  ['{.items[?(@.tags)].metadata.name}', 'a'],
  ['{..name}', 'a b c'],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.size}{"\\n"}{end}', 'a\t1\nb\t2\nc\t3\n'],
  ['{.items[0].metadata}', '{"labels":{"app.kubernetes.io/name":"web"},"name":"a"}'],
  ['{.nothing}', ''],
];

for (const [template, text] of CASES) {
  test(`jsonpath: ${template}`, () => {
    assert.equal(renderJsonPath(parseJsonPathTemplate(template), DATA, { allowsMissing: true }), text);
  });
}

test('jsonpath: a field that is not there is an error when none is allowed to miss', () => {
  const template = parseJsonPathTemplate('{.nothing}');
  assert.throws(() => renderJsonPath(template, DATA, { allowsMissing: false }), /nothing is not found/);
});

for (const template of ['{.a', '{.a[}', '{range .a}', '{end}', '{nope}']) {
  test(`jsonpath: ${template} makes no sense`, () => {
    assert.throws(() => renderJsonPath(parseJsonPathTemplate(template), {}, { allowsMissing: true }));
  });
}
