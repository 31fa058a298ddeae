import type { ContainerMetadata, Labels, PodSandboxMetadata } from './cri.ts';

/** Which containers or sandboxes to measure; all when left out. */
export interface StatsFilter {
  readonly id?: string;
  /** For containers only. */
  readonly podSandboxId?: string;
  readonly labelSelector?: Labels;
}

export interface ContainerStats {
  readonly attributes: {
    readonly id: string;
    readonly metadata: ContainerMetadata;
    readonly labels: Labels;
    readonly annotations: Labels;
  };
  /** Left out while the container has no process. */
  readonly cpu?: CpuUsage;
  readonly memory?: MemoryUsage;
  readonly writableLayer?: FilesystemUsage;
}

export interface CpuUsage {
  readonly timestampMs: number;
  /** CPU time since the start, all cores together. */
  readonly usageCoreNanoSeconds: number;
  /** CPU time per second of wall time since the measurement before; left out for the first one. */
  readonly usageNanoCores?: number;
}

export interface MemoryUsage {
  readonly timestampMs: number;
  /** Usage without the inactive page cache: what the kernel cannot take back easily. */
  readonly workingSetBytes: number;
  /** The limit less the working set; left out without a limit. */
  readonly availableBytes?: number;
  readonly usageBytes: number;
  readonly rssBytes: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
}

export interface FilesystemUsage {
  readonly timestampMs: number;
  readonly fsId: { readonly mountpoint: string };
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

export interface NetworkInterfaceUsage {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

export interface PodSandboxStats {
  readonly attributes: {
    readonly id: string;
    readonly metadata: PodSandboxMetadata;
    readonly labels: Labels;
    readonly annotations: Labels;
  };
  readonly cpu?: CpuUsage;
  readonly memory?: MemoryUsage;
  /** Left out for a pod in the host's network. */
  readonly network?: {
    readonly timestampMs: number;
    readonly defaultInterface: NetworkInterfaceUsage;
    readonly interfaces: readonly NetworkInterfaceUsage[];
  };
  readonly process?: { readonly timestampMs: number; readonly processCount: number };
  readonly containers: readonly ContainerStats[];
}
