import type { Clock } from '#base/clock.ts';
import { TimingWheel } from './timing-wheel.ts';
import type { LeaseGrant } from './journal.ts';
import type { LeaseId } from './store.ts';

interface LeaseState {
  readonly grant: LeaseGrant;
  readonly keys: Set<string>;
  /** Set once it ran out: nothing new may be tied to it, its keys are being deleted. */
  isExpired: boolean;
}

/** Before a lease that could not be ended is tried again; long enough for an operator to free disk space. */
const RETRY_MS = 5_000;

/** Which keys hang on which lease, and when each lease runs out. */
export class LeaseTable {
  readonly #clock: Clock;
  readonly #leases = new Map<LeaseId, LeaseState>();
  readonly #wheel: TimingWheel<LeaseId>;

  constructor(clock: Clock, onExpired: (ids: readonly LeaseId[]) => void) {
    this.#clock = clock;
    this.#wheel = new TimingWheel(clock, (ids) => {
      for (const id of ids) {
        const lease = this.#leases.get(id);
        if (lease !== undefined) {
          lease.isExpired = true;
        }
      }
      onExpired(ids);
    });
  }

  get size(): number {
    return this.#leases.size;
  }

  /** The leases granted and not ended. */
  get grants(): readonly LeaseGrant[] {
    return Array.from(this.#leases.values(), (lease) => lease.grant);
  }

  isUsable(id: LeaseId): boolean {
    return this.#leases.get(id)?.isExpired === false;
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  grantOf(id: LeaseId): LeaseGrant | undefined {
    return this.#leases.get(id)?.grant;
  }

  /** Starts the countdown of a granted lease, starts it again, or goes on with it after a restart. */
  add(grant: LeaseGrant): void {
    const keys = this.#leases.get(grant.id)?.keys ?? new Set();
    this.#leases.set(grant.id, { grant, keys, isExpired: false });
    // A wall clock that was set back must not stretch a lease beyond its whole length.
    const leftMs = Math.min(grant.expiresAtMs - this.#clock.nowMs(), grant.ttlSeconds * 1_000);
    this.#wheel.add(grant.id, Math.max(leftMs, 0));
  }

  end(id: LeaseId): void {
    this.#leases.delete(id);
    this.#wheel.remove(id);
  }

  retryLater(id: LeaseId): void {
    this.#wheel.add(id, RETRY_MS);
  }

  /** Moves `key` from one lease to another; 0 stands for none. */
  move(key: string, from: LeaseId, to: LeaseId): void {
    if (from !== to) {
      this.#leases.get(from)?.keys.delete(key);
      this.#leases.get(to)?.keys.add(key);
    }
  }

  keysOf(id: LeaseId): readonly string[] {
    return [...(this.#leases.get(id)?.keys ?? [])];
  }

  close(): void {
    this.#wheel.close();
  }
}
