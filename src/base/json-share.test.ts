import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { jsonEqual } from './json-equal.ts';
import { shareEqual } from './json-share.ts';

test('shareEqual: equal parts are those of the live value, whatever the order of their keys', () => {
  const live = { spec: { list: [{ a: 1 }, { b: 2 }], map: { x: 1, y: 2 } }, status: { ready: true } };
  const next = { spec: { list: [{ a: 1 }, { b: 3 }], map: { y: 2, x: 1 } }, status: { ready: true } };
  const shared = shareEqual(next, live);
  deepEqual(shared, next);
  equal(shared.status, live.status);
  equal(shared.spec.map, live.spec.map);
  equal(shared.spec.list[0], live.spec.list[0]);
  notEqual(shared.spec.list[1], live.spec.list[1]);
  equal(next.status === live.status, false, 'the given value is not modified');
});

test('shareEqual: a value that says all the same becomes the live one', () => {
  const live = { a: [1, { b: null }], c: 'x' };
  equal(shareEqual({ c: 'x', a: [1, { b: null }], d: undefined }, live), live);
  notEqual(shareEqual({ a: [1, { b: null }] }, live), live);
  notEqual(shareEqual({ ...structuredClone(live), d: 1 }, live), live);
});

test('shareEqual: a list that grew or shrank stays its own', () => {
  const live = [{ a: 1 }, { b: 2 }];
  deepEqual(shareEqual([{ a: 1 }], live), [{ a: 1 }]);
  deepEqual(shareEqual([{ a: 1 }, { b: 2 }, 3], live), [{ a: 1 }, { b: 2 }, 3]);
});

test('shareEqual: whatever the values, the result says what was given', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (next, live) => {
      equal(jsonEqual(shareEqual(next, live), next), true);
      deepEqual(shareEqual(structuredClone(next), next), next);
    }),
  );
});
