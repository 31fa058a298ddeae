import { createHash } from 'node:crypto';
import { BYTES, WireWriter } from '#base/protobuf-wire.ts';
import { utf8Encode } from '#base/bytes.ts';
import { wireEntry } from './etcd-entries.ts';
import { KEY_VALUE, RESPONSE_HEADER } from './messages.ts';
import type { Store } from '../store.ts';

const PAGE_ENTRIES = 500;

/** etcdctl takes a file for whole when its length is a multiple of this and a checksum. */
export const BLOCK_BYTES = 512;

export const TITLE = utf8Encode('coracle store snapshot 2\n');
export const HEADER_FIELD = 1;
export const KEY_VALUES_FIELD = 2;

/**
 * Every key as of one revision, in pieces: a line that says what this is, then etcd's RangeResponse with
 * the revision and all entries, then padding and a SHA-256 of everything before it, as etcdctl expects.
 */
export async function* snapshotOf(store: Store): AsyncGenerator<Uint8Array, void> {
  const hash = createHash('sha256');
  const revision = await store.currentRevision();
  let size = 0;
  const counted = (piece: Uint8Array): Uint8Array => {
    hash.update(piece);
    size += piece.length;
    return piece;
  };
  yield counted(TITLE);
  const head = new WireWriter();
  head.tag(HEADER_FIELD, BYTES);
  head.message(() => RESPONSE_HEADER.write(head, { revision }));
  yield counted(head.finish());
  for (let after: string | undefined; ;) {
    const page = await store.list('', {
      revision,
      limit: PAGE_ENTRIES,
      ...(after === undefined ? {} : { after }),
    });
    const writer = new WireWriter();
    for (const entry of page.items) {
      writer.tag(KEY_VALUES_FIELD, BYTES);
      writer.message(() => KEY_VALUE.write(writer, wireEntry(entry)));
    }
    yield counted(writer.finish());
    after = page.items.at(-1)?.key;
    if (!page.hasMore) {
      break;
    }
  }
  yield counted(new Uint8Array((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES));
  yield hash.digest();
}
