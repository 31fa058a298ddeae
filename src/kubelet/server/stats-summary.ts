import type { ContainerStats, CpuUsage, MemoryUsage, PodSandboxStats } from '#runtime/cri-stats.ts';
import { formatTime } from '#api/time.ts';
import { CONTAINER_NAME_LABEL } from '../pod/runtime-labels.ts';
import type { NodeUsage } from './node-usage.ts';

type Json = Readonly<Record<string, unknown>>;

export interface SummaryInput {
  readonly nodeName: string;
  readonly node: NodeUsage;
  readonly pods: readonly PodSandboxStats[];
}

/** The answer of `/stats/summary`, which metrics servers and `kubectl top` sources read. */
export function statsSummary({ nodeName, node, pods }: SummaryInput): Json {
  return {
    node: {
      nodeName,
      startTime: formatTime(node.bootedAtMs),
      cpu: cpuJson(node.cpu),
      memory: memoryJson(node.memory),
    },
    pods: pods.map(podJson),
  };
}

function podJson({ attributes, cpu, memory, network, process, containers }: PodSandboxStats): Json {
  const { name, namespace, uid } = attributes.metadata;
  return {
    podRef: { name, namespace, uid },
    ...(cpu === undefined ? {} : { cpu: cpuJson(cpu) }),
    ...(memory === undefined ? {} : { memory: memoryJson(memory) }),
    ...(network === undefined
      ? {}
      : {
          network: {
            time: formatTime(network.timestampMs),
            ...network.defaultInterface,
            interfaces: network.interfaces,
          },
        }),
    ...(process === undefined ? {} : { process_stats: { process_count: process.processCount } }),
    containers: containers.map(containerJson),
  };
}

function containerJson({ attributes, cpu, memory, writableLayer }: ContainerStats): Json {
  return {
    name: attributes.labels[CONTAINER_NAME_LABEL] ?? attributes.metadata.name,
    ...(cpu === undefined ? {} : { cpu: cpuJson(cpu) }),
    ...(memory === undefined ? {} : { memory: memoryJson(memory) }),
    ...(writableLayer === undefined
      ? {}
      : {
          rootfs: {
            time: formatTime(writableLayer.timestampMs),
            usedBytes: writableLayer.usedBytes,
            inodesUsed: writableLayer.inodesUsed,
          },
        }),
  };
}

function cpuJson({ timestampMs, usageCoreNanoSeconds, usageNanoCores }: CpuUsage): Json {
  return {
    time: formatTime(timestampMs),
    usageCoreNanoSeconds,
    ...(usageNanoCores === undefined ? {} : { usageNanoCores }),
  };
}

function memoryJson({ timestampMs, majorPageFaults, pageFaults, ...bytes }: MemoryUsage): Json {
  return { time: formatTime(timestampMs), ...bytes, pageFaults, majorPageFaults };
}
