import { assert } from '#base/assert.ts';
import type { Random } from '#base/random.ts';

/** Tries at a random place before the whole range is searched. */
const RANDOM_TRIES = 32;

/**
 * Hands out whole numbers from a range, each to one owner at a time: offsets of service addresses, node
 * ports. Automatic ones come from the upper part, so that hand-picked low ones rarely collide (KEP-3070).
 */
export class NumberAllocator {
  readonly #first: number;
  readonly #size: number;
  readonly #reserved: number;
  readonly #random: Random;
  readonly #used = new Set<number>();

  /** @param reserved how many numbers at the start of the range are left to explicit requests while others are free */
  constructor({
    first,
    size,
    reserved,
    random,
  }: {
    first: number;
    size: number;
    reserved: number;
    random: Random;
  }) {
    assert(size >= 1 && reserved < size, 'an allocator needs room');
    this.#first = first;
    this.#size = size;
    this.#reserved = reserved;
    this.#random = random;
  }

  get free(): number {
    return this.#size - this.#used.size;
  }

  contains(value: number): boolean {
    return value >= this.#first && value < this.#first + this.#size;
  }

  /** Takes exactly this number; false when it is taken. */
  take(value: number): boolean {
    if (this.#used.has(value)) {
      return false;
    }
    this.#used.add(value);
    return true;
  }

  /** Takes any free number; undefined when the range is full. */
  next(): number | undefined {
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      const value = this.#first + this.#reserved + this.#random.int(this.#size - this.#reserved);
      if (this.take(value)) {
        return value;
      }
    }
    for (let offset = this.#size - 1; offset >= 0; offset--) {
      if (this.take(this.#first + offset)) {
        return this.#first + offset;
      }
    }
    return undefined;
  }

  release(value: number): void {
    this.#used.delete(value);
  }
}

/** KEP-3070: min(max(16, size/16), 256) addresses at the start of the range are for explicit requests. */
export function reservedAddresses(size: number): number {
  return Math.min(Math.max(16, Math.floor(size / 16)), 256, Math.max(size - 1, 0));
}

/** KEP-3668: min(max(16, size/32), 128) ports at the start of the range are for explicit requests. */
export function reservedPorts(size: number): number {
  return Math.min(Math.max(16, Math.floor(size / 32)), 128, Math.max(size - 1, 0));
}
