import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { utf8Decode, utf8Encode } from '#base/bytes.ts';
import { encodeJson } from './canonical.ts';
import { decodeStored, encodeStored, isSameState } from './stored-form.ts';
import { decodeJson, duplicateFields } from './json-decode.ts';

test('decodeJson: integers past 2^53 keep every digit, through encoding too', () => {
  const text =
    '{"big":9223372036854775807,"neg":-9007199254740993,"float":1.5,"small":1,"text":"12345678901234567890"}';
  const value = decodeJson(text) as Record<string, unknown>;
  assert.equal(value['big'], 9_223_372_036_854_775_807n);
  assert.equal(value['neg'], -9_007_199_254_740_993n);
  assert.equal(value['small'], 1);
  assert.equal(encodeJson(value), text);
});

test('decodeJson: __proto__ is a key like another', () => {
  const value = decodeJson('{"__proto__":{"polluted":true}}') as object;
  assert.deepEqual(Object.keys(value), ['__proto__']);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});

test('decodeJson: invalid text is refused with a sentence', () => {
  assert.throws(() => decodeJson('{"a":'), { code: 'JSON_SYNTAX', message: 'unexpected end of JSON input' });
  assert.throws(() => decodeJson('x'), { message: "invalid character 'x' looking for beginning of value" });
  assert.throws(() => decodeJson(Uint8Array.of(0x22, 0xff, 0x22)), {
    message: 'the body is not valid UTF-8',
  });
  assert.throws(() => decodeJson('['.repeat(5000) + ']'.repeat(5000)), { message: 'exceeded max depth' });
});

test('duplicateFields: finds keys that stand twice, with their paths', () => {
  const text = '{"spec":{"list":[{"a":1},{"b":"\\"x\\":","b":2}],"a":1},"spec":{"c":1,"c":2},"x":":"}';
  assert.deepEqual(duplicateFields(text, decodeJson(text)), ['spec.list[1].b', 'spec', 'spec.c']);
});

test('duplicateFields: no false alarm on any JSON value', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const once = JSON.stringify(JSON.parse(text));
      assert.deepEqual(duplicateFields(once, decodeJson(once)), []);
    }),
  );
});

test('encodeStored: begins with the type and leaves the revision out; decoding puts it back, frozen', () => {
  const object = {
    metadata: { name: 'a', resourceVersion: '5' },
    data: { k: 'v' },
    kind: 'ConfigMap',
    apiVersion: 'v1',
  };
  const bytes = encodeStored(object);
  assert.equal(
    utf8Decode(bytes),
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}',
  );
  assert.deepEqual(decodeStored(bytes, '9').metadata.resourceVersion, '9');
  assert.ok(Object.isFrozen(decodeStored(utf8Encode('{"metadata":{"a":[]}}')).metadata));
});

test('isSameState: the order of keys and the revision do not count, everything else does', () => {
  const state = (metadata: object, rest: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    ...rest,
  });
  const one = state({ name: 'a', resourceVersion: '1' }, { data: { a: '1', b: '2' } });
  assert.ok(isSameState(one, state({ resourceVersion: '2', name: 'a' }, { data: { b: '2', a: '1' } })));
  assert.ok(isSameState(one, state({ name: 'a' }, { data: { a: '1', b: '2' } })));
  assert.equal(isSameState(one, state({ name: 'a' }, { data: { a: '1' } })), false);
});
