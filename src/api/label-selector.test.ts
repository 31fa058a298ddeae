import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EVERYTHING,
  labelSelectorFromObject,
  labelSelectorFromSet,
  parseLabelSelector,
} from './label-selector.ts';

const matching: readonly { text: string; yes: readonly object[]; no: readonly object[] }[] = [
  { text: '', yes: [{}, { a: '1' }], no: [] },
  { text: 'a=1', yes: [{ a: '1' }], no: [{}, { a: '2' }] },
  { text: 'a==1,b!=2', yes: [{ a: '1' }, { a: '1', b: '3' }], no: [{ a: '1', b: '2' }] },
  { text: 'a in (x, y)', yes: [{ a: 'x' }, { a: 'y' }], no: [{ a: 'z' }, {}] },
  { text: 'a notin (x,y)', yes: [{}, { a: 'z' }], no: [{ a: 'x' }] },
  { text: 'a', yes: [{ a: '' }], no: [{}] },
  { text: '!a', yes: [{}], no: [{ a: '' }] },
  { text: 'a in ()', yes: [{ a: '' }], no: [{ a: 'x' }] },
  { text: 'a in (,b,)', yes: [{ a: '' }, { a: 'b' }], no: [{ a: 'c' }] },
  { text: 'a=', yes: [{ a: '' }], no: [{}] },
  { text: 'a>5', yes: [{ a: '6' }], no: [{ a: '5' }, { a: 'x' }, {}] },
  { text: 'in in (in,notin)', yes: [{ in: 'notin' }], no: [{ in: 'x' }] },
  { text: 'constructor', yes: [], no: [{}] },
];

for (const { text, yes, no } of matching) {
  test(`labelSelector: '${text}' chooses what it says`, () => {
    const selector = parseLabelSelector(text);
    const reread = parseLabelSelector(selector.toString());
    for (const each of [selector, reread]) {
      assert.deepEqual(
        yes.map((labels) => each.matches(labels as Record<string, string>)),
        yes.map(() => true),
      );
      assert.deepEqual(
        no.map((labels) => each.matches(labels as Record<string, string>)),
        no.map(() => false),
      );
    }
  });
}

const refused: readonly (readonly [string, RegExp])[] = [
  ['a=b=c', /^found '=', expected: ',' or 'end of string'$/],
  ['a,', /^found '', expected: identifier after ','$/],
  ['=a', /^found '=', expected: !, identifier, or 'end of string'$/],
  ['a in x', /^unable to parse requirement: found 'x' expected: '\('$/],
  ['a b', /^unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt$/],
  ['a@b=c', /^unable to parse requirement: <nil>: Invalid value: "a@b": name part must consist of/],
  ['a=b@c', /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "b@c": a valid label must be/],
];

for (const [text, message] of refused) {
  test(`labelSelector: '${text}' is refused in upstream's words`, () => {
    assert.throws(() => parseLabelSelector(text), { name: 'StatusError', reason: 'BadRequest', message });
  });
}

test('labelSelector: an absent object chooses nothing, an empty one everything', () => {
  assert.equal(labelSelectorFromObject(undefined).matches({}), false);
  assert.equal(labelSelectorFromObject({}).matches({ a: 'b' }), true);
  assert.equal(labelSelectorFromObject({}), EVERYTHING);
});

test('labelSelector: an object becomes the text form kubectl shows', () => {
  const selector = labelSelectorFromObject({
    matchLabels: { tier: 'web' },
    matchExpressions: [
      { key: 'app', operator: 'In', values: ['b', 'a'] },
      { key: 'old', operator: 'DoesNotExist' },
    ],
  });
  assert.equal(selector.toString(), 'app in (a,b),!old,tier=web');
  assert.equal(labelSelectorFromSet({ b: '2', a: '1' }).toString(), 'a=1,b=2');
});

test('labelSelector: an object without values for In is refused', () => {
  assert.throws(
    () => labelSelectorFromObject({ matchExpressions: [{ key: 'a', operator: 'In' }] }),
    /values: Invalid value: \[\]: for 'in', 'notin' operators, values set can't be empty/,
  );
});
