import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import type { Pod, PodQOSClass, ResourceList } from '#api/types/core.v1.ts';
import type { LinuxContainerResources } from '#runtime/cri.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { oomScoreAdj, podTotal, qosClassOf, requestOf } from './qos.ts';

const SHARES_PER_CPU = 1024;
const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
/** Microseconds: the period over which a CPU limit is kept. */
const PERIOD_US = 100_000;
const QUOTA_MIN_US = 1000;

export function cpuShares(milliCpu: number): number {
  return Math.min(Math.max(Math.floor((milliCpu * SHARES_PER_CPU) / 1000), SHARES_MIN), SHARES_MAX);
}

export function cpuQuotaUs(milliCpu: number): number {
  return Math.max(Math.floor((milliCpu * PERIOD_US) / 1000), QUOTA_MIN_US);
}

/** The limits of one container, as numbers for the kernel. */
export function containerResources(
  pod: Pod,
  container: AnyContainer,
  memoryCapacityBytes: number,
): LinuxContainerResources {
  const { limits } = container.resources;
  const hugepages = hugepageLimits(limits);
  return {
    cpuShares: cpuShares(quantityToMillis(requestOf(container.resources, 'cpu') ?? '0')),
    ...cpuLimit(limits === undefined ? undefined : limits['cpu']),
    ...memoryLimit(limits === undefined ? undefined : limits['memory']),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacityBytes),
    ...(hugepages.length === 0 ? {} : { hugepageLimits: hugepages }),
  };
}

/**
 * The limits of the pod as a whole: its own where it states any, else the sum of its containers', which
 * holds only where every container has one.
 */
export function podResources(pod: Pod): LinuxContainerResources {
  const millisOf = (list: ResourceList | undefined): number => quantityToMillis(list?.['cpu'] ?? '0');
  const bytesOf = (list: ResourceList | undefined): number => quantityToNumber(list?.['memory'] ?? '0');
  const own = pod.spec.resources ?? {};
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const areAllLimited = (name: string): boolean =>
    all.every(({ resources }) => resources.limits?.[name] !== undefined);
  const ownRequest = requestOf(own, 'cpu');
  const requested =
    ownRequest === undefined
      ? podTotal(pod, (resources) => quantityToMillis(requestOf(resources, 'cpu') ?? '0'), millisOf)
      : quantityToMillis(ownRequest);
  const cpuMillis = areAllLimited('cpu') ? podTotal(pod, ({ limits }) => millisOf(limits), millisOf) : 0;
  const memoryBytes = areAllLimited('memory') ? podTotal(pod, ({ limits }) => bytesOf(limits), bytesOf) : 0;
  const cpuLimitMillis = millisOf(own.limits) || cpuMillis;
  const memoryLimitBytes = bytesOf(own.limits) || memoryBytes;
  return {
    cpuShares: cpuShares(requested),
    ...(cpuLimitMillis > 0 ? { cpuPeriod: PERIOD_US, cpuQuota: cpuQuotaUs(cpuLimitMillis) } : {}),
    ...(memoryLimitBytes > 0 ? { memoryLimitInBytes: memoryLimitBytes } : {}),
  };
}

const CLASS_DIRECTORIES: Readonly<Record<PodQOSClass, string>> = {
  Guaranteed: '/kubepods',
  Burstable: '/kubepods/burstable',
  BestEffort: '/kubepods/besteffort',
};

/** Below the root of every cgroup hierarchy: `/kubepods/burstable/pod<uid>`. */
export function podCgroupPath(pod: Pod): string {
  return `${CLASS_DIRECTORIES[qosClassOf(pod)]}/pod${pod.metadata.uid}`;
}

function cpuLimit(quantity: string | undefined): LinuxContainerResources {
  const millis = quantityToMillis(quantity ?? '0');
  return millis === 0 ? {} : { cpuPeriod: PERIOD_US, cpuQuota: cpuQuotaUs(millis) };
}

function memoryLimit(quantity: string | undefined): LinuxContainerResources {
  const bytes = quantityToNumber(quantity ?? '0');
  // The same with swap: a container with a memory limit does not swap.
  return bytes === 0 ? {} : { memoryLimitInBytes: bytes, memorySwapLimitInBytes: bytes };
}

function hugepageLimits(
  limits: ResourceList | undefined,
): readonly { readonly pageSize: string; readonly limit: number }[] {
  return Object.entries(limits ?? {}).flatMap(([name, quantity]) => {
    const size = /^hugepages-(\d+[KMG])i$/.exec(name)?.[1];
    return size === undefined ? [] : [{ pageSize: `${size}B`, limit: quantityToNumber(quantity) }];
  });
}
