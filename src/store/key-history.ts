import { OrderedMap, compareCodePoints, prefixEnd } from '#base/ordered-map.ts';
import type { KeyValue, LeaseId, Revision } from './store.ts';

/**
 * One state of one key. Never modified, so that forks can share it. A backend that keeps values in
 * memory puts the whole entry here; one that has a disk leaves `kv` out and reads it by `revision`.
 */
export interface KeyVersion {
  readonly revision: Revision;
  /** 0 in a tombstone: the key was deleted at `revision`. */
  readonly createRevision: Revision;
  readonly version: number;
  readonly lease: LeaseId;
  /** Bytes of the value. */
  readonly size: number;
  readonly kv: KeyValue | undefined;
  /** The state before, as long as it was not compacted. */
  readonly previous: KeyVersion | undefined;
}

/** Rough cost of a version and its event on the heap, besides the bytes of key and value. */
const VERSION_OVERHEAD_BYTES = 300;

export type FoundKey = readonly [key: string, version: KeyVersion];

/** The keys in [`from`, `end`); no `end` means up to the last. */
export interface KeyRange {
  readonly from: string;
  readonly end: string | undefined;
}

export interface KeyPage {
  readonly found: readonly FoundKey[];
  readonly remaining: number;
}

/** The keys that start with `prefix`, those up to and including `after` left out. */
export function rangeOf(prefix: string, after?: string): KeyRange {
  // No string lies between `after` and `after` with a zero character behind it.
  const isInside = after !== undefined && compareCodePoints(after, prefix) >= 0;
  return { from: isInside ? `${after}\0` : prefix, end: prefixEnd(prefix) };
}

export function isInRange({ from, end }: KeyRange, key: string): boolean {
  return compareCodePoints(key, from) >= 0 && (end === undefined || compareCodePoints(key, end) < 0);
}

export function isTombstone(version: KeyVersion): boolean {
  return version.createRevision === 0;
}

/**
 * Every key with its newest state and, linked behind it, the older ones that are not compacted:
 *
 *     live   /a -> put@9 -> put@4          written twice
 *            /c -> put@8 -> delete@7 -> put@5
 *     dead   /b -> delete@6 -> put@3       gone now, but a reader at revision 5 still sees it
 *
 * Live and dead keys are apart so that counting the live ones needs no look at the others.
 */
export class KeyHistory {
  readonly #live: OrderedMap<KeyVersion>;
  readonly #dead: OrderedMap<KeyVersion>;

  #heapBytes: number;

  constructor(live = new OrderedMap<KeyVersion>(), dead = new OrderedMap<KeyVersion>(), heapBytes = 0) {
    this.#live = live;
    this.#dead = dead;
    this.#heapBytes = heapBytes;
  }

  /** Roughly what keys, values and history take when all of them are in memory. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** Number of live keys. */
  get size(): number {
    return this.#live.size;
  }

  fork(): KeyHistory {
    return new KeyHistory(this.#live.fork(), this.#dead.fork(), this.#heapBytes);
  }

  /** The newest state of a live key. */
  live(key: string): KeyVersion | undefined {
    return this.#live.get(key);
  }

  /** The newest state of a key, a tombstone included. */
  newest(key: string): KeyVersion | undefined {
    return this.#live.get(key) ?? this.#dead.get(key);
  }

  /** The state of a key as of `revision`; undefined when it did not exist then. */
  at(key: string, revision: Revision): KeyVersion | undefined {
    return versionAt(this.newest(key), revision);
  }

  /** Makes `version` the newest state of `key`. */
  apply(key: string, version: KeyVersion): void {
    this.#heapBytes += weightOf(key, version);
    if (isTombstone(version)) {
      this.#live.delete(key);
      this.#dead.set(key, version);
      return;
    }
    this.#live.set(key, version);
    if (version.previous !== undefined && isTombstone(version.previous)) {
      this.#dead.delete(key);
    }
  }

  count({ from, end }: KeyRange): number {
    return this.#live.count(from, end);
  }

  /** The first `limit` live keys of a range, and how many come behind them. */
  page({ from, end }: KeyRange, limit: number): KeyPage {
    const total = this.#live.count(from, end);
    const found: FoundKey[] = [];
    for (const entry of this.#live.entries(from, end)) {
      found.push(entry);
      if (found.length === limit) {
        break;
      }
    }
    return { found, remaining: total - found.length };
  }

  /**
   * As {@link page}, as of `revision`.
   *
   * @param total how many keys of the range existed then; without it all of them are walked over
   */
  pageAt({ from, end }: KeyRange, limit: number, revision: Revision, total?: number): KeyPage {
    const found: FoundKey[] = [];
    let counted = 0;
    for (const [key, newest] of mergeByKey(this.#live.entries(from, end), this.#dead.entries(from, end))) {
      const version = versionAt(newest, revision);
      if (version === undefined) {
        continue;
      }
      counted += 1;
      if (found.length < limit) {
        found.push([key, version]);
      }
      if (found.length === limit && total !== undefined) {
        break;
      }
    }
    return { found, remaining: (total ?? counted) - found.length };
  }

  /** Drops the states of `key` that nobody can ask for once `compacted` is the oldest readable revision. */
  trim(key: string, compacted: Revision): void {
    const newest = this.newest(key);
    if (newest === undefined) {
      return;
    }
    const kept = trimmed(newest, compacted);
    this.#heapBytes -= chainWeight(key, newest) - chainWeight(key, kept);
    if (kept === undefined) {
      this.#dead.delete(key);
    } else if (kept !== newest) {
      (isTombstone(kept) ? this.#dead : this.#live).set(key, kept);
    }
  }
}

function versionAt(newest: KeyVersion | undefined, revision: Revision): KeyVersion | undefined {
  let version = newest;
  while (version !== undefined && version.revision > revision) {
    version = version.previous;
  }
  return version === undefined || isTombstone(version) ? undefined : version;
}

/** A copy of the chain that ends at what a reader at `compacted` sees; undefined when nothing is left of it. */
function trimmed(newest: KeyVersion, compacted: Revision): KeyVersion | undefined {
  const kept: KeyVersion[] = [];
  let version: KeyVersion | undefined = newest;
  while (version !== undefined && version.revision > compacted) {
    kept.push(version);
    version = version.previous;
  }
  const isOldestKept = version !== undefined && !isTombstone(version);
  if (version === undefined || (isOldestKept && version.previous === undefined)) {
    return newest;
  }
  let chain: KeyVersion | undefined = isOldestKept ? { ...version, previous: undefined } : undefined;
  for (const later of kept.toReversed()) {
    chain = { ...later, previous: chain };
  }
  return chain;
}

function weightOf(key: string, version: KeyVersion): number {
  return key.length + version.size + VERSION_OVERHEAD_BYTES;
}

function chainWeight(key: string, newest: KeyVersion | undefined): number {
  let weight = 0;
  for (let version = newest; version !== undefined; version = version.previous) {
    weight += weightOf(key, version);
  }
  return weight;
}

function* mergeByKey(left: Iterator<FoundKey>, right: Iterator<FoundKey>): Generator<FoundKey, undefined> {
  let a = left.next();
  let b = right.next();
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && compareCodePoints(a.value[0], b.value[0]) < 0)) {
      yield a.value as FoundKey;
      a = left.next();
    } else {
      yield b.value;
      b = right.next();
    }
  }
}
