import { prefixEnd } from '#base/ordered-map.ts';
import { utf8Encode } from '#base/bytes.ts';
import { textOf } from './message.ts';
import { EVENT_DELETE } from './messages.ts';
import type { KeyRange } from '../key-history.ts';
import type { KeyValue, StoreEvent } from '../store.ts';
import type { WireEvent, WireKeyValue } from './messages.ts';

/** As a range's end: every key from the start on. As its start: the first of all keys. */
const ZERO = Uint8Array.of(0);

/** @throws {ProtobufError} the key is not valid UTF-8 */
export function entryOf({ key, value, ...rest }: WireKeyValue): KeyValue {
  return { key: textOf(key), value, ...rest };
}

export function wireEntry({ key, ...rest }: KeyValue): WireKeyValue {
  return { key: utf8Encode(key), ...rest };
}

/** @throws {ProtobufError} the key is not valid UTF-8 */
export function eventOf({ type, kv, prevKv }: WireEvent): StoreEvent | undefined {
  if (kv === undefined) {
    return undefined;
  }
  const previous = prevKv === undefined ? undefined : entryOf(prevKv);
  const entry = entryOf(kv);
  if (type !== EVENT_DELETE) {
    return { type: 'put', key: entry.key, kv: entry, previous, revision: entry.modRevision };
  }
  // Compaction may have taken what was there before; who was deleted is known all the same.
  const gone = previous ?? { ...entry, createRevision: 0, modRevision: 0, version: 0, lease: 0 };
  return { type: 'delete', key: entry.key, previous: gone, revision: entry.modRevision };
}

/** The two ends of a range in etcd's words. */
export function wireRange({ from, end }: KeyRange): {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
} {
  return {
    key: from === '' ? ZERO : utf8Encode(from),
    rangeEnd: end === undefined ? ZERO : utf8Encode(end),
  };
}

/**
 * The range etcd's words mean: one key without an end, all keys from the first on with a zero byte for it.
 *
 * @throws {ProtobufError} an end is not valid UTF-8
 */
export function rangeOfWire(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const isZero = (bytes: Uint8Array): boolean => bytes.length === 1 && bytes[0] === 0;
  const from = isZero(key) ? '' : textOf(key);
  if (rangeEnd.length === 0) {
    return { from, end: `${from}\0` };
  }
  return { from, end: isZero(rangeEnd) ? undefined : textOf(rangeEnd) };
}

/** The longest text all keys of a range start with; a watch by prefix sees all of them. */
export function commonPrefix({ from, end }: KeyRange): string {
  if (end === `${from}\0`) {
    return from;
  }
  for (let length = from.length; length > 0; length--) {
    const prefix = from.slice(0, length);
    if (prefix.isWellFormed() && end !== undefined && isWithin(prefix, end)) {
      return prefix;
    }
  }
  return '';
}

function isWithin(prefix: string, end: string): boolean {
  return end === prefixEnd(prefix) || end.startsWith(prefix);
}
