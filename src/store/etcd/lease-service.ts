import { status } from '@grpc/grpc-js';
import type { Clock } from '#base/clock.ts';
import { utf8Encode } from '#base/bytes.ts';
import {
  type HEADER_ONLY,
  LEASE_GRANT_RESPONSE,
  type LEASE_KEEP_ALIVE_RESPONSE,
  type LEASE_LEASES_RESPONSE,
  LEASE_TIME_TO_LIVE_RESPONSE,
} from './messages.ts';
import { RefusedCallError, invalid, leaseNotFound } from './server-status.ts';
import type { TransactionalStore } from '../transactional-store.ts';
import type { MessageOf } from './message.ts';
import type { ResponseHeader } from './messages.ts';

const TTL_SECONDS_MAX = 9_000_000_000;

/** The time to live of a lease that does not exist, in etcd's answers. */
const NO_TTL = -1;

interface LeaseId {
  readonly id: number;
}

/** etcd's Lease service over a store. */
export class LeaseService {
  readonly #store: TransactionalStore;
  readonly #clock: Clock;
  readonly #header: () => Promise<ResponseHeader>;

  constructor(store: TransactionalStore, clock: Clock, header: () => Promise<ResponseHeader>) {
    this.#store = store;
    this.#clock = clock;
    this.#header = header;
  }

  async grant({
    ttl,
    id,
  }: LeaseId & { readonly ttl: number }): Promise<MessageOf<typeof LEASE_GRANT_RESPONSE>> {
    if (ttl > TTL_SECONDS_MAX) {
      throw new RefusedCallError(status.OUT_OF_RANGE, 'too large lease TTL');
    }
    if (!Number.isSafeInteger(id) || id < 0) {
      throw invalid('a lease is named by a number up to 2^53 here');
    }
    const seconds = Math.max(ttl, 1);
    const granted = await this.#store.grantLease(seconds, id === 0 ? undefined : id);
    return LEASE_GRANT_RESPONSE.of({ header: await this.#header(), id: granted, ttl: seconds });
  }

  async revoke({ id }: LeaseId): Promise<MessageOf<typeof HEADER_ONLY>> {
    if (!(await this.#store.revokeLease(id))) {
      throw leaseNotFound();
    }
    return { header: await this.#header() };
  }

  async keepAlive({ id }: LeaseId): Promise<MessageOf<typeof LEASE_KEEP_ALIVE_RESPONSE>> {
    const ttl = (await this.#store.renewLease(id)) ?? 0;
    return { header: await this.#header(), id, ttl };
  }

  async timeToLive({
    id,
    keys,
  }: LeaseId & { readonly keys: boolean }): Promise<MessageOf<typeof LEASE_TIME_TO_LIVE_RESPONSE>> {
    const header = await this.#header();
    const grant = this.#store.leases().find((lease) => lease.id === id);
    if (grant === undefined) {
      return LEASE_TIME_TO_LIVE_RESPONSE.of({ header, id, ttl: NO_TTL });
    }
    return {
      header,
      id,
      ttl: Math.max(Math.ceil((grant.expiresAtMs - this.#clock.nowMs()) / 1_000), 0),
      grantedTtl: grant.ttlSeconds,
      keys: keys ? this.#store.leaseKeys(id).map(utf8Encode) : [],
    };
  }

  async list(): Promise<MessageOf<typeof LEASE_LEASES_RESPONSE>> {
    return { header: await this.#header(), leases: this.#store.leases().map(({ id }) => ({ id })) };
  }
}
