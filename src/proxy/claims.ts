/**
 * Who wants which named thing to be what. Several owners may want the same one; the first to ask decides
 * what it is, and when that owner lets go the next one does. Remembers what changed since it was last asked.
 */
export class Claims<V> {
  readonly #claims = new Map<string, Claim<V>>();
  /** Each thing that may have changed, with what it was at the last {@link takeChanges}. */
  readonly #touched = new Map<string, V | undefined>();
  readonly #equal: (left: V, right: V) => boolean;

  constructor(equal: (left: V, right: V) => boolean) {
    this.#equal = equal;
  }

  get size(): number {
    return this.#claims.size;
  }

  /** All things as they are wanted now. */
  *values(): Iterable<V> {
    for (const { value } of this.#claims.values()) {
      yield value;
    }
  }

  claim(owner: string, key: string, value: V): void {
    const claim = this.#claims.get(key);
    if (claim === undefined) {
      this.#touch(key, undefined);
      this.#claims.set(key, { owner, value, others: undefined });
    } else if (claim.owner === owner) {
      if (!this.#equal(claim.value, value)) {
        this.#touch(key, claim.value);
        claim.value = value;
      }
    } else {
      claim.others ??= new Map();
      claim.others.set(owner, value);
    }
  }

  release(owner: string, key: string): void {
    const claim = this.#claims.get(key);
    if (claim?.owner !== owner) {
      claim?.others?.delete(owner);
      return;
    }
    const next = claim.others?.entries().next().value;
    if (next === undefined) {
      this.#touch(key, claim.value);
      this.#claims.delete(key);
      return;
    }
    const [nextOwner, value] = next;
    claim.others?.delete(nextOwner);
    claim.owner = nextOwner;
    if (!this.#equal(claim.value, value)) {
      this.#touch(key, claim.value);
      claim.value = value;
    }
  }

  /** What changed since the last call, and forgets it. What came and went in between is not told. */
  takeChanges(): readonly Change<V>[] {
    const changes: Change<V>[] = [];
    for (const [key, before] of this.#touched) {
      const after = this.#claims.get(key)?.value;
      const isSame =
        before === undefined || after === undefined ? before === after : this.#equal(before, after);
      if (!isSame) {
        changes.push({ before, after });
      }
    }
    this.#touched.clear();
    return changes;
  }

  #touch(key: string, before: V | undefined): void {
    if (!this.#touched.has(key)) {
      this.#touched.set(key, before);
    }
  }
}

/** Undefined: was not there, or is no longer. */
export interface Change<V> {
  readonly before: V | undefined;
  readonly after: V | undefined;
}

interface Claim<V> {
  owner: string;
  value: V;
  others: Map<string, V> | undefined;
}
