import type { Container, Pod, PodSpec, ResourceRequirements } from '#api/types/core.v1.ts';
import { amountOf, isScalarResource } from './resource-ids.ts';

/** What a pod asks for. Amounts by resource name, as {@link amountOf} counts them. */
export interface PodRequests {
  readonly amounts: ReadonlyMap<string, number>;
  /** CPU and memory with upstream's assumption for containers that ask for none; used in scores only. */
  readonly nonZeroCpuMillis: number;
  readonly nonZeroMemoryBytes: number;
}

/** Assumed for a container without a request, so that such pods still spread by use. */
const DEFAULT_CPU_MILLIS = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

type Amounts = Map<string, number>;

/**
 * The pod's effective requests: the larger of what its containers (with sidecars) need together and what any
 * step of initialisation needs, or the pod-level request where one is set, plus the overhead.
 */
export function podRequests(spec: PodSpec): PodRequests {
  const plain = withPodLevel(spec, aggregate(spec, requestsOf));
  const assumed = withPodLevel(spec, aggregate(spec, assumedRequestsOf));
  addAll(plain, spec.overhead ?? {});
  addAll(assumed, spec.overhead ?? {});
  return {
    amounts: plain,
    nonZeroCpuMillis: assumed.get('cpu') ?? 0,
    nonZeroMemoryBytes: assumed.get('memory') ?? 0,
  };
}

function aggregate(spec: PodSpec, amountsOf: (resources: ResourceRequirements) => Amounts): Amounts {
  const running: Amounts = new Map();
  for (const { resources } of spec.containers) {
    addMap(running, amountsOf(resources));
  }
  const sidecars: Amounts = new Map();
  const initialising: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = amountsOf(container.resources);
    if (isSidecar(container)) {
      addMap(sidecars, own);
      raise(initialising, sidecars);
    } else {
      // An ordinary init container runs beside the sidecars started before it.
      addMap(own, sidecars);
      raise(initialising, own);
    }
  }
  addMap(running, sidecars);
  raise(running, initialising);
  return running;
}

function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}

/** Pod-level requests stand in for the sum of the containers, for the resources that may be set there. */
function withPodLevel({ resources }: PodSpec, amounts: Amounts): Amounts {
  for (const [name, quantity] of Object.entries(resources?.requests ?? {})) {
    if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) {
      amounts.set(name, amountOf(name, quantity));
    }
  }
  return amounts;
}

function requestsOf({ requests = {} }: ResourceRequirements): Amounts {
  const amounts: Amounts = new Map();
  addAll(amounts, requests);
  return amounts;
}

function assumedRequestsOf({ requests = {} }: ResourceRequirements): Amounts {
  return new Map([
    ['cpu', requests['cpu'] === undefined ? DEFAULT_CPU_MILLIS : amountOf('cpu', requests['cpu'])],
    [
      'memory',
      requests['memory'] === undefined ? DEFAULT_MEMORY_BYTES : amountOf('memory', requests['memory']),
    ],
  ]);
}

function addAll(into: Amounts, list: Readonly<Record<string, string>>): void {
  for (const [name, quantity] of Object.entries(list)) {
    into.set(name, (into.get(name) ?? 0) + amountOf(name, quantity));
  }
}

function addMap(into: Amounts, amounts: ReadonlyMap<string, number>): void {
  for (const [name, amount] of amounts) {
    into.set(name, (into.get(name) ?? 0) + amount);
  }
}

function raise(into: Amounts, amounts: ReadonlyMap<string, number>): void {
  for (const [name, amount] of amounts) {
    into.set(name, Math.max(into.get(name) ?? 0, amount));
  }
}

/** Names of the resources a node must have enough of; others (such as `pods`) are counted in their own way. */
export function isCountedResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || isScalarResource(name);
}

/** `priority` of a pod; admission fills it in from the priority class. */
export function podPriority(pod: Pod): number {
  return pod.spec.priority ?? 0;
}
