import type { LeaseId } from '#store/store.ts';
import type { ResourceStorage } from './resource-storage.ts';

interface PooledLease {
  readonly id: LeaseId;
  readonly grantedAtMs: number;
}

/** One lease serves all objects written within this share of its time to live. */
const REUSE_SHARE = 0.05;

const pools = new WeakMap<ResourceStorage, PooledLease>();

/** The lease for an object that goes by itself; undefined for kinds that stay. Leases are shared by objects of about the same age. */
export async function leaseFor(storage: ResourceStorage): Promise<LeaseId | undefined> {
  const { ttlSeconds } = storage.strategy;
  if (ttlSeconds === undefined) {
    return undefined;
  }
  const nowMs = storage.deps.clock.monotonicMs();
  const pooled = pools.get(storage);
  const reuseMs = ttlSeconds * 1000 * REUSE_SHARE;
  if (pooled !== undefined && nowMs - pooled.grantedAtMs < reuseMs) {
    return pooled.id;
  }
  const id = await storage.deps.store.grantLease(Math.ceil(ttlSeconds * (1 + REUSE_SHARE)));
  pools.set(storage, { id, grantedAtMs: nowMs });
  return id;
}
