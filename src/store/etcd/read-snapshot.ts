import { createHash } from 'node:crypto';
import { equalBytes } from '#base/bytes.ts';
import { ProtobufError, WireReader } from '#base/protobuf-wire.ts';
import { EventWindow } from '../event-window.ts';
import { KeyHistory } from '../key-history.ts';
import type { KeyValue, Revision } from '../store.ts';
import type { StoreState } from '../sequenced-store.ts';
import { entryOf } from './etcd-entries.ts';
import { KEY_VALUE, RESPONSE_HEADER } from './messages.ts';
import { BLOCK_BYTES, HEADER_FIELD, KEY_VALUES_FIELD, TITLE } from './snapshot.ts';

/** A file that is no snapshot of ours, or not all of one. */
export class SnapshotFileError extends Error {
  override readonly name = 'SnapshotFileError';
  readonly code = 'store/snapshot-file';
}

const CHECKSUM_BYTES = 32;

/** A snapshot does not say how long leases last; what hangs on one gets as long as upstream gives Events. */
const LEASE_TTL_SECONDS = 3600;

/**
 * What a snapshot file holds, as the state a store begins with.
 *
 * @param nowMs from then on its leases run, milliseconds since the Unix epoch
 * @throws {SnapshotFileError}
 */
export function readSnapshot(file: Uint8Array, nowMs: number): StoreState {
  const entries: KeyValue[] = [];
  let revision = 0;
  try {
    const reader = new WireReader(contentOf(file));
    while (!reader.isAtEnd) {
      const { number } = reader.tag();
      if (number === 0) {
        // No field has this number: it is the padding that begins.
        break;
      }
      const bytes = reader.bytes();
      if (number === HEADER_FIELD) {
        revision = RESPONSE_HEADER.decode(bytes).revision;
      } else if (number === KEY_VALUES_FIELD) {
        entries.push(entryOf(KEY_VALUE.decode(bytes)));
      }
    }
  } catch (cause) {
    if (cause instanceof ProtobufError) {
      throw new SnapshotFileError('the snapshot is damaged; take another one', { cause });
    }
    throw cause;
  }
  return stateOf(entries, revision, nowMs + LEASE_TTL_SECONDS * 1000);
}

function stateOf(entries: readonly KeyValue[], revision: Revision, expiresAtMs: number): StoreState {
  const keys = new KeyHistory();
  for (const kv of entries) {
    const { key, value, modRevision, createRevision, version, lease } = kv;
    keys.apply(key, {
      revision: modRevision,
      createRevision,
      version,
      lease,
      size: value.length,
      kv,
      previous: undefined,
    });
  }
  const leases = new Set(entries.map(({ lease }) => lease).filter((id) => id !== 0));
  return {
    keys,
    window: new EventWindow(revision + 1),
    revision,
    compactedRevision: revision,
    sweptRevision: revision,
    leases: [...leases].map((id) => ({ id, ttlSeconds: LEASE_TTL_SECONDS, expiresAtMs })),
  };
}

/** What lies between the title and the padding, once the checksum is right. */
function contentOf(file: Uint8Array): Uint8Array {
  const end = file.length - CHECKSUM_BYTES;
  if (end < TITLE.length || !equalBytes(file.subarray(0, TITLE.length), TITLE)) {
    throw new SnapshotFileError('the file is no snapshot of a store of Coracle of this version');
  }
  const sum = createHash('sha256').update(file.subarray(0, end)).digest();
  if (end % BLOCK_BYTES !== 0 || !equalBytes(file.subarray(end), sum)) {
    throw new SnapshotFileError('the snapshot is not whole, its checksum is another; take another one');
  }
  return file.subarray(TITLE.length, end);
}
