import { assert } from '#base/assert.ts';
import type { Change } from './journal.ts';
import type { LeaseId, Revision } from './store.ts';

/**
 * A change on disk, without its value: what has to be read to know every key of a store.
 *
 *     0  u8   1 put, 2 delete      8  f64  create revision      32  u32  bytes of the value
 *     1  3x   zero                16  f64  lease                36  ...  the key in UTF-8
 *     4  u32  version             24  f64  revision replaced
 *
 * All numbers little-endian. Revisions are floats because they outgrow 32 bits and stay below 2^53.
 */
export interface LogRecord {
  readonly key: string;
  readonly isDelete: boolean;
  /** 0 for a deletion. */
  readonly createRevision: Revision;
  readonly version: number;
  readonly lease: LeaseId;
  /** The put this change replaced; 0 when there was none. */
  readonly replaced: Revision;
  readonly size: number;
}

const KEY_START = 36;
const PUT = 1;
const DELETE = 2;

export function encodeRecord({ key, version, event }: Change): Buffer {
  const record = Buffer.allocUnsafe(KEY_START + Buffer.byteLength(key));
  record.writeUInt32LE(event.type === 'put' ? PUT : DELETE, 0);
  record.writeUInt32LE(version.version, 4);
  record.writeDoubleLE(version.createRevision, 8);
  record.writeDoubleLE(version.lease, 16);
  record.writeDoubleLE(event.previous?.modRevision ?? 0, 24);
  record.writeUInt32LE(version.size, 32);
  record.write(key, KEY_START);
  return record;
}

export function decodeRecord(record: Buffer): LogRecord {
  const kind = record.readUInt32LE(0);
  assert(kind === PUT || kind === DELETE, 'a log record puts or deletes');
  return {
    key: record.toString('utf8', KEY_START),
    isDelete: kind === DELETE,
    version: record.readUInt32LE(4),
    createRevision: record.readDoubleLE(8),
    lease: record.readDoubleLE(16),
    replaced: record.readDoubleLE(24),
    size: record.readUInt32LE(32),
  };
}
