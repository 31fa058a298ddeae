import { RuntimeError } from './cri.ts';
import type { Ipv4Range } from './ipv4-range.ts';

/**
 * Gives out the addresses of one range. Goes round: an address that was just given back is used last, so
 * that a peer with an old connection does not meet a new pod under it.
 */
export class AddressPool {
  readonly #range: Ipv4Range;
  readonly #taken = new Set<number>();
  #next = FIRST_POD_INDEX;

  constructor(range: Ipv4Range) {
    this.#range = range;
  }

  /** @throws {RuntimeError} `unavailable` when every address is taken */
  allocate(): string {
    // The last address is the broadcast one.
    const end = this.#range.size - 1;
    for (let tried = FIRST_POD_INDEX; tried < end; tried++) {
      const index = this.#next;
      this.#next = index + 1 >= end ? FIRST_POD_INDEX : index + 1;
      if (!this.#taken.has(index)) {
        this.#taken.add(index);
        return this.#range.at(index);
      }
    }
    throw new RuntimeError(
      'unavailable',
      `no IP addresses available in range set: ${this.#range.toString()}`,
    );
  }

  /** Marks an address as taken that a pod from an earlier run holds. Addresses of another range are let be. */
  adopt(address: string): void {
    const index = this.#range.indexOf(address);
    if (index !== undefined) {
      this.#taken.add(index);
      this.#next = Math.max(this.#next, index + 1);
      if (this.#next >= this.#range.size - 1) {
        this.#next = FIRST_POD_INDEX;
      }
    }
  }

  release(address: string): void {
    const index = this.#range.indexOf(address);
    if (index !== undefined) {
      this.#taken.delete(index);
    }
  }
}

/** 0 names the network, 1 is the gateway. */
const FIRST_POD_INDEX = 2;
