import type { ResourceInfo } from '#api/resource-table.ts';
import { formatTime } from '#api/time.ts';
import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import type { NodeSample, Usage } from './usage-sampler.ts';

const GROUP = 'metrics.k8s.io';
const VERSION = 'v1beta1';

function info(resource: string, kind: string, namespaced: boolean): ResourceInfo {
  return {
    group: GROUP,
    version: VERSION,
    resource,
    kind,
    singular: '',
    namespaced,
    verbs: ['get', 'list'],
    shortNames: [],
    categories: [],
    subresources: {},
  };
}

export const NODE_METRICS: ResourceInfo = info('nodes', 'NodeMetrics', false);
export const POD_METRICS: ResourceInfo = info('pods', 'PodMetrics', true);

/** Annotations by which simulated pods say what they use, as kwok reads them. */
const SIM_CPU = 'kwok.x-k8s.io/usage-cpu';
const SIM_MEMORY = 'kwok.x-k8s.io/usage-memory';

const NANOS_PER_MILLI = 1_000_000;
const SIM_WINDOW_MS = 15_000;

/** A pod's usage in the form of the resource metrics API; undefined when there is none for all its containers. */
export function podMetrics(pod: Pod, sample: NodeSample | undefined, nowMs: number): object | undefined {
  const { name, namespace, labels } = pod.metadata;
  const used = sample?.pods.get(`${namespace}/${name}`) ?? (sample === undefined ? simUsage(pod) : undefined);
  if (used === undefined) {
    return undefined;
  }
  return {
    kind: POD_METRICS.kind,
    apiVersion: `${GROUP}/${VERSION}`,
    metadata: {
      name,
      namespace,
      creationTimestamp: formatTime(nowMs),
      ...(labels === undefined ? {} : { labels }),
    },
    ...timeOf(sample, nowMs),
    containers: [...used].map(([container, usage]) => ({ name: container, usage: usageOf(usage) })),
  };
}

export function nodeMetrics(
  { metadata: { name, labels } }: Node,
  sample: Pick<NodeSample, 'timeMs' | 'windowMs' | 'node'>,
): object {
  return {
    kind: NODE_METRICS.kind,
    apiVersion: `${GROUP}/${VERSION}`,
    metadata: {
      name,
      creationTimestamp: formatTime(sample.timeMs),
      ...(labels === undefined ? {} : { labels }),
    },
    ...timeOf(sample, sample.timeMs),
    usage: usageOf(sample.node),
  };
}

/** What a simulated pod says it uses; a pod that says nothing uses nothing. */
export function simUsage({ metadata, spec }: Pod): ReadonlyMap<string, Usage> {
  const cpu = metadata.annotations?.[SIM_CPU];
  const memory = metadata.annotations?.[SIM_MEMORY];
  // The annotations are about the pod: its containers share it.
  const count = Math.max(spec.containers.length, 1);
  const usage = {
    cpuNanoCores: cpu === undefined ? 0 : Math.round((quantityToMillis(cpu) * NANOS_PER_MILLI) / count),
    memoryBytes: memory === undefined ? 0 : Math.round(quantityToNumber(memory) / count),
  };
  return new Map(spec.containers.map(({ name }) => [name, usage]));
}

export function sumUsage(parts: Iterable<Usage>): Usage {
  let [cpuNanoCores, memoryBytes] = [0, 0];
  for (const part of parts) {
    cpuNanoCores += part.cpuNanoCores;
    memoryBytes += part.memoryBytes;
  }
  return { cpuNanoCores, memoryBytes };
}

function timeOf(sample: Pick<NodeSample, 'timeMs' | 'windowMs'> | undefined, nowMs: number): object {
  const { timeMs, windowMs } = sample ?? { timeMs: nowMs, windowMs: SIM_WINDOW_MS };
  return { timestamp: formatTime(timeMs), window: `${(windowMs / 1000).toFixed(3).replace(/\.?0+$/, '')}s` };
}

function usageOf({ cpuNanoCores, memoryBytes }: Usage): object {
  return {
    cpu: cpuNanoCores === 0 ? '0' : `${cpuNanoCores}n`,
    memory: `${Math.ceil(memoryBytes / 1024)}Ki`,
  };
}
