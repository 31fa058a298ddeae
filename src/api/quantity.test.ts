import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityToMillis,
  quantityToNumber,
  subtractQuantities,
} from './quantity.ts';

const canonical: readonly (readonly [string, string])[] = [
  ['0', '0'],
  ['0Mi', '0'],
  ['1', '1'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['100m', '100m'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['1.5', '1500m'],
  ['1024', '1024'],
  ['1024Ki', '1Mi'],
  ['1025Ki', '1025Ki'],
  ['1.5Gi', '1536Mi'],
  ['0.5Gi', '512Mi'],
  ['0.5Ki', '512'],
  ['100Mi', '100Mi'],
  ['2048Ei', '9223372036854775807'],
  ['1000k', '1M'],
  ['1e3', '1e3'],
  ['1000e3', '1e6'],
  ['12E', '12E'],
  ['1E3', '1e3'],
  ['1n', '1n'],
  ['0.1n', '1n'],
  ['-1500m', '-1500m'],
  ['+5', '5'],
  ['5.', '5'],
  ['128974848', '128974848'],
  ['129e6', '129e6'],
  ['0.0000000001Ki', '103n'],
];

for (const [text, expected] of canonical) {
  test(`quantity: ${text} is ${expected}`, () => {
    assert.equal(canonicalQuantity(text), expected);
    assert.equal(formatQuantity(parseQuantity(text)), expected);
  });
}

for (const text of ['', '.', 'a', '1.2.3', '1 Gi', '1KB', '--1', '1e', '1_000', '0x10']) {
  test(`quantity: '${text}' is refused`, () => {
    assert.throws(() => parseQuantity(text), { code: 'QUANTITY_SYNTAX' });
  });
}

test('quantity: thousandths and units are rounded up', () => {
  assert.equal(quantityToMillis('1.0001'), 1001);
  assert.equal(quantityToMillis('250m'), 250);
  assert.equal(quantityToNumber('250m'), 1);
  assert.equal(quantityToNumber('1Gi'), 2 ** 30);
  assert.equal(quantityToNumber('-250m'), -1);
});

const suffixes = ['', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'e-3'];
const quantityText = fc
  .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.constantFrom(...suffixes))
  .map(([value, suffix]) => `${value}${suffix}`);

test('quantity: the canonical form is a fixed point with the same amount', () => {
  fc.assert(
    fc.property(quantityText, (text) => {
      const once = canonicalQuantity(text);
      assert.equal(formatQuantity(parseQuantity(once)), once);
      assert.equal(parseQuantity(once).nanos, parseQuantity(text).nanos);
    }),
  );
});

test('quantity: adding and subtracting undo each other, and order agrees', () => {
  fc.assert(
    fc.property(quantityText, quantityText, (first, second) => {
      const [left, right] = [parseQuantity(first), parseQuantity(second)];
      assert.equal(compareQuantities(subtractQuantities(addQuantities(left, right), right), left), 0);
      assert.equal(compareQuantities(left, right), -compareQuantities(right, left) + 0);
    }),
  );
});
