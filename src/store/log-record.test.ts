import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRecord, encodeRecord } from './log-record.ts';
import type { Change } from './journal.ts';
import type { KeyValue } from './store.ts';

const BIG = 2 ** 52;
const kv: KeyValue = {
  key: '/registry/é\u{1f600}',
  value: new Uint8Array(3),
  createRevision: BIG - 9,
  modRevision: BIG,
  version: 7,
  lease: BIG + 1,
};

test('log record: comes back as it was written, with large numbers and any key', () => {
  const put: Change = {
    key: kv.key,
    version: {
      revision: BIG,
      createRevision: BIG - 9,
      version: 7,
      lease: BIG + 1,
      size: 3,
      kv,
      previous: undefined,
    },
    event: { type: 'put', key: kv.key, kv, previous: { ...kv, modRevision: BIG - 3 }, revision: BIG },
  };
  assert.deepEqual(decodeRecord(encodeRecord(put)), {
    key: kv.key,
    isDelete: false,
    version: 7,
    createRevision: BIG - 9,
    lease: BIG + 1,
    replaced: BIG - 3,
    size: 3,
  });
});

test('log record: a deletion names what it removed', () => {
  const removal: Change = {
    key: kv.key,
    version: {
      revision: BIG + 1,
      createRevision: 0,
      version: 0,
      lease: 0,
      size: 0,
      kv: undefined,
      previous: undefined,
    },
    event: { type: 'delete', key: kv.key, previous: kv, revision: BIG + 1 },
  };
  const { key, isDelete, replaced } = decodeRecord(encodeRecord(removal));
  assert.deepEqual({ key, isDelete, replaced }, { key: kv.key, isDelete: true, replaced: BIG });
});

test('log record: bytes that are none are not taken for one', () => {
  assert.throws(() => decodeRecord(Buffer.alloc(60)), { name: 'AssertionError' });
});
