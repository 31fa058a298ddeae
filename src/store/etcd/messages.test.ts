import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '#base/bytes.ts';
import { ProtobufError } from '#base/protobuf-wire.ts';
import {
  COMPARE,
  EVENT,
  KEY_VALUE,
  RESPONSE_HEADER,
  WATCH_CREATE_REQUEST,
  WATCH_REQUEST,
  WATCH_RESPONSE,
} from './messages.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('etcd messages: have the bytes that the protocol gives them', () => {
  const cases: readonly (readonly [what: string, bytes: Uint8Array, expected: string])[] = [
    [
      'an entry',
      KEY_VALUE.encode({ key: utf8Encode('a'), modRevision: 300, value: utf8Encode('v') }),
      '0a016118ac022a0176',
    ],
    ['defaults are left out', KEY_VALUE.encode(KEY_VALUE.of({})), ''],
    ['an empty message inside is there', WATCH_REQUEST.encode({ progress: {} }), '1a00'],
    ['a negative number', WATCH_RESPONSE.encode({ watchId: -1 }), '10ffffffffffffffffff01'],
    ['a field number beyond 15', COMPARE.encode({ rangeEnd: Uint8Array.of(0) }), '82040100'],
    ['a number beyond 2^53', RESPONSE_HEADER.encode({ clusterId: 2n ** 64n - 1n }), '08ffffffffffffffffff01'],
  ];
  for (const [what, bytes, expected] of cases) {
    assert.equal(hex(bytes), expected, what);
  }
});

test('etcd messages: read back what was written, repeated fields in order', () => {
  const events = [1, 2].map((modRevision) =>
    EVENT.of({ type: 1, kv: KEY_VALUE.of({ key: utf8Encode('k'), modRevision }) }),
  );
  const message = WATCH_RESPONSE.of({ watchId: 7, created: true, cancelReason: 'ä', events });
  const read = WATCH_RESPONSE.decode(WATCH_RESPONSE.encode(message));
  assert.deepEqual(
    read.events.map((event) => event.kv?.modRevision),
    [1, 2],
  );
  assert.equal(hex(WATCH_RESPONSE.encode(read)), hex(WATCH_RESPONSE.encode(message)));
});

test('etcd messages: filters are read packed and unpacked', () => {
  for (const bytes of ['2a020001', '28002801']) {
    assert.deepEqual(WATCH_CREATE_REQUEST.decode(Buffer.from(bytes, 'hex')).filters, [0, 1]);
  }
});

test('etcd messages: unknown fields are passed over, broken bytes are refused', () => {
  assert.equal(KEY_VALUE.decode(Buffer.from('7a0378797a1003', 'hex')).createRevision, 3);
  for (const bytes of ['0a05', '0801', '10']) {
    assert.throws(() => KEY_VALUE.decode(Buffer.from(bytes, 'hex')), ProtobufError);
  }
});
