import { formatQuantity, quantityOf, quantityToNumber } from '#api/quantity.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { FilesystemSupply, NodeSupply } from './node-supply.ts';

/** Below these amounts the node is under pressure. A share is of the capacity, 0 to 1; 0 turns a signal off. */
export interface EvictionThresholds {
  readonly memoryAvailableBytes: number;
  readonly nodeFsAvailableShare: number;
  readonly nodeFsInodesFreeShare: number;
  readonly imageFsAvailableShare: number;
}

/** Upstream's hard thresholds. */
export const HARD_THRESHOLDS: EvictionThresholds = {
  memoryAvailableBytes: 100 * 2 ** 20,
  nodeFsAvailableShare: 0.1,
  nodeFsInodesFreeShare: 0.05,
  imageFsAvailableShare: 0.15,
};

/** A supply that fell below its threshold. */
export interface Shortage {
  readonly resource: 'memory' | 'ephemeral-storage' | 'inodes';
  /** Quantities, for people. */
  readonly threshold: string;
  readonly available: string;
}

export function shortagesOf(supply: NodeSupply, thresholds: EvictionThresholds): readonly Shortage[] {
  const shortages: Shortage[] = [];
  if (supply.memoryAvailableBytes < thresholds.memoryAvailableBytes) {
    shortages.push({
      resource: 'memory',
      threshold: bytesText(thresholds.memoryAvailableBytes),
      available: bytesText(supply.memoryAvailableBytes),
    });
  }
  const storage = (filesystem: FilesystemSupply, share: number): void => {
    const threshold = filesystem.capacityBytes * share;
    if (filesystem.availableBytes < threshold) {
      const available = bytesText(filesystem.availableBytes);
      shortages.push({ resource: 'ephemeral-storage', threshold: bytesText(threshold), available });
    }
  };
  storage(supply.nodeFs, thresholds.nodeFsAvailableShare);
  storage(supply.imageFs, thresholds.imageFsAvailableShare);
  const inodes = supply.nodeFs.inodes * thresholds.nodeFsInodesFreeShare;
  if (supply.nodeFs.inodesFree < inodes) {
    shortages.push({
      resource: 'inodes',
      threshold: String(Math.floor(inodes)),
      available: String(supply.nodeFs.inodesFree),
    });
  }
  return shortages;
}

export interface EvictionCandidate {
  readonly pod: Pod;
  /** Of the resource that is short. */
  readonly usedBytes: number;
}

const CRITICAL_PRIORITY = 2_000_000_000;

/**
 * Who has to go: first those that use more than they asked for, among these the least important, among
 * these the one furthest above what it asked for. Pods that the cluster cannot do without are spared.
 */
export function nextToEvict(
  candidates: readonly EvictionCandidate[],
  resource: Shortage['resource'],
): EvictionCandidate | undefined {
  const excess = ({ pod, usedBytes }: EvictionCandidate): number => usedBytes - requestedBytes(pod, resource);
  const priority = ({ pod }: EvictionCandidate): number => pod.spec.priority ?? 0;
  return candidates
    .filter((candidate) => priority(candidate) < CRITICAL_PRIORITY)
    .toSorted(
      (left, right) =>
        Number(excess(right) > 0) - Number(excess(left) > 0) ||
        priority(left) - priority(right) ||
        excess(right) - excess(left),
    )[0];
}

/** What the evicted pod's status and event say. */
export function evictionMessage({ pod, usedBytes }: EvictionCandidate, shortage: Shortage): string {
  const { resource, threshold, available } = shortage;
  const what = `The node was low on resource: ${resource}. Threshold quantity: ${threshold}, available: ${available}. `;
  const requested = requestedBytes(pod, resource);
  const names = pod.spec.containers.map(({ name }) => name).join(', ');
  return usedBytes > requested
    ? `${what}Container ${names} was using ${bytesText(usedBytes)}, request is ${requested === 0 ? '0' : bytesText(requested)}, has larger consumption of ${resource}. `
    : what;
}

function requestedBytes({ spec }: Pod, resource: Shortage['resource']): number {
  let sum = 0;
  for (const { resources } of spec.containers) {
    sum += quantityToNumber(resources.requests?.[resource] ?? '0');
  }
  return sum;
}

function bytesText(bytes: number): string {
  return formatQuantity(quantityOf(BigInt(Math.floor(bytes / 1024) * 1024), 'BinarySI'));
}
