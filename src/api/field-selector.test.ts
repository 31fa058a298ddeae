import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFieldSelector } from './field-selector.ts';

const fields: Record<string, string> = { 'metadata.name': 'a,b', 'spec.nodeName': '' };
const valueOf = (field: string): string | undefined => fields[field];

const cases: readonly (readonly [string, boolean])[] = [
  ['', true],
  ['metadata.name=a\\,b', true],
  ['metadata.name==a\\,b,spec.nodeName=', true],
  ['metadata.name!=a\\,b', false],
  ['spec.nodeName!=', false],
  ['missing=', true],
  ['missing=x', false],
];

for (const [text, isMatch] of cases) {
  test(`fieldSelector: '${text}' is ${isMatch ? '' : 'not '}a match`, () => {
    const selector = parseFieldSelector(text);
    assert.equal(selector.matches(valueOf), isMatch);
    assert.equal(parseFieldSelector(selector.toString()).matches(valueOf), isMatch);
  });
}

test('fieldSelector: a term without an operator is refused', () => {
  assert.throws(() => parseFieldSelector('a=b,c'), {
    reason: 'BadRequest',
    message: "invalid selector: 'a=b,c'; can't understand 'c'",
  });
});

test('fieldSelector: an exact value is found', () => {
  assert.equal(parseFieldSelector('a!=1,metadata.name=x').exactValue('metadata.name'), 'x');
  assert.equal(parseFieldSelector('a!=1').exactValue('a'), undefined);
});
