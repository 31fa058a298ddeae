import type { Node, Pod, Taint } from '#api/types/core.v1.ts';
import {
  isTolerated,
  matchesTerm,
  podsOn,
  toleratesNode,
  wantsNode,
  type ReferenceCluster,
} from './reference-matching.fixture.ts';
import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import { referenceSpreadFilter, referenceSpreadScores } from './reference-spread.fixture.ts';
import { referenceAffinityFilter, referenceAffinityScores } from './reference-affinity.fixture.ts';

export interface ReferenceResult {
  /** By node name: the first plugin that refuses, and its words. */
  readonly rejected: ReadonlyMap<string, string>;
  /** By node name, then plugin: weighted, normalised. */
  readonly scores: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/**
 * The scheduler as the documents describe it, with nothing but objects and loops: every question is answered
 * from the whole cluster, nothing is kept. What the fast one must agree with.
 */
export function referenceSchedule(cluster: ReferenceCluster, pod: Pod): ReferenceResult {
  const rejected = new Map<string, string>();
  for (const node of cluster.nodes) {
    const reason = firstRefusal(cluster, pod, node);
    if (reason !== undefined) {
      rejected.set(node.metadata.name, reason);
    }
  }
  const feasible = cluster.nodes.filter(({ metadata }) => !rejected.has(metadata.name));
  const columns: Readonly<Record<string, readonly number[]>> = {
    TaintToleration: scaled(
      feasible.map((node) => intolerable(node, pod)),
      true,
      3,
    ),
    NodeAffinity: scaled(
      feasible.map((node) => preferredWeight(node, pod)),
      false,
      2,
    ),
    NodeResourcesFit: feasible.map((node) => leastAllocated(cluster, pod, node)),
    PodTopologySpread: referenceSpreadScores(cluster, pod, feasible).map((score) => score * 2),
    InterPodAffinity: referenceAffinityScores(cluster, pod, feasible).map((score) => score * 2),
    NodeResourcesBalancedAllocation: feasible.map((node) => balance(cluster, pod, node)),
    ImageLocality: feasible.map((node) => images(cluster, pod, node)),
  };
  const scores = new Map(
    feasible.map((node, index): [string, Readonly<Record<string, number>>] => [
      node.metadata.name,
      Object.fromEntries(Object.entries(columns).map(([plugin, column]) => [plugin, column[index] ?? 0])),
    ]),
  );
  return { rejected, scores };
}

function firstRefusal(cluster: ReferenceCluster, pod: Pod, node: Node): string | undefined {
  if (!isNamed(pod, node)) {
    return "node(s) didn't satisfy plugin(s) [NodeAffinity]";
  }
  const tolerations = pod.spec.tolerations ?? [];
  const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec.unschedulable === true && !isTolerated(cordon, tolerations)) {
    return 'node(s) were unschedulable';
  }
  if (!toleratesNode(pod, node)) {
    return 'node(s) had untolerated taint(s)';
  }
  if (!wantsNode(pod, node)) {
    return "node(s) didn't match Pod's node affinity/selector";
  }
  if (portsClash(cluster, pod, node)) {
    return "node(s) didn't have free ports for the requested pod ports";
  }
  return (
    lackingResources(cluster, pod, node) ??
    referenceSpreadFilter(cluster, pod, node) ??
    referenceAffinityFilter(cluster, pod, node)
  );
}

/** False when every alternative of the required affinity names other nodes. */
function isNamed(pod: Pod, node: Node): boolean {
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const named = terms.map(({ matchFields = [] }) =>
    matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In'),
  );
  return (
    named.length === 0 ||
    named.includes(undefined) ||
    named.some((field) => field?.values?.includes(node.metadata.name) === true)
  );
}

function portsClash(cluster: ReferenceCluster, pod: Pod, node: Node): boolean {
  const portsOf = ({ spec }: Pod): readonly number[] =>
    spec.containers.flatMap(({ ports = [] }) => ports.flatMap(({ hostPort }) => hostPort ?? []));
  const wanted = portsOf(pod);
  return podsOn(cluster, node).some((other) => portsOf(other).some((port) => wanted.includes(port)));
}

function requested(pod: Pod, resource: string): number {
  const amount = (quantity: string | undefined): number =>
    quantity === undefined ? 0 : resource === 'cpu' ? quantityToMillis(quantity) : quantityToNumber(quantity);
  const running = pod.spec.containers.reduce(
    (sum, { resources }) => sum + amount(resources.requests?.[resource]),
    0,
  );
  const starting = (pod.spec.initContainers ?? []).map(({ resources }) =>
    amount(resources.requests?.[resource]),
  );
  return Math.max(running, ...starting);
}

/** What scores count for containers that request nothing. */
function assumed(pod: Pod, resource: 'cpu' | 'memory'): number {
  const missing = resource === 'cpu' ? 100 : 200 * 1024 * 1024;
  const amount = (quantity: string | undefined): number =>
    quantity === undefined
      ? missing
      : resource === 'cpu'
        ? quantityToMillis(quantity)
        : quantityToNumber(quantity);
  const running = pod.spec.containers.reduce(
    (sum, { resources }) => sum + amount(resources.requests?.[resource]),
    0,
  );
  const starting = (pod.spec.initContainers ?? []).map(({ resources }) =>
    amount(resources.requests?.[resource]),
  );
  return Math.max(running, ...starting);
}

function allocatableOf(node: Node, resource: string): number {
  const quantity = node.status.allocatable?.[resource] ?? '0';
  return resource === 'cpu' ? quantityToMillis(quantity) : quantityToNumber(quantity);
}

const RESOURCES = ['cpu', 'memory', 'ephemeral-storage', 'example.com/gpu'];

function lackingResources(cluster: ReferenceCluster, pod: Pod, node: Node): string | undefined {
  const there = podsOn(cluster, node);
  const lacking = there.length + 1 > allocatableOf(node, 'pods') ? ['Too many pods'] : [];
  for (const resource of RESOURCES) {
    const used = there.reduce((sum, other) => sum + requested(other, resource), 0);
    const wanted = requested(pod, resource);
    if (wanted > 0 && wanted > allocatableOf(node, resource) - used) {
      lacking.push(`Insufficient ${resource}`);
    }
  }
  return lacking.length === 0 ? undefined : lacking.sort().join(', ');
}

function intolerable(node: Node, pod: Pod): number {
  return (node.spec.taints ?? []).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, pod.spec.tolerations ?? []),
  ).length;
}

function preferredWeight(node: Node, pod: Pod): number {
  const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
}

function scaled(scores: readonly number[], isReversed: boolean, weight: number): readonly number[] {
  const max = Math.max(0, ...scores);
  return scores.map((score) => {
    const share = max === 0 ? 0 : Math.floor((100 * score) / max);
    return weight * (isReversed ? 100 - share : share);
  });
}

function leastAllocated(cluster: ReferenceCluster, pod: Pod, node: Node): number {
  const parts = (['cpu', 'memory'] as const).flatMap((resource) => {
    const limit = allocatableOf(node, resource);
    const used = [...podsOn(cluster, node), pod].reduce((sum, other) => sum + assumed(other, resource), 0);
    return limit === 0 ? [] : [used > limit ? 0 : Math.floor(((limit - used) * 100) / limit)];
  });
  return parts.length === 0 ? 0 : Math.floor(parts.reduce((sum, part) => sum + part, 0) / parts.length);
}

function balance(cluster: ReferenceCluster, pod: Pod, node: Node): number {
  if (requested(pod, 'cpu') === 0 && requested(pod, 'memory') === 0) {
    return 0;
  }
  const fractions = (['cpu', 'memory'] as const).flatMap((resource) => {
    const limit = allocatableOf(node, resource);
    const used = [...podsOn(cluster, node), pod].reduce((sum, other) => sum + requested(other, resource), 0);
    return limit === 0 ? [] : [Math.min(1, used / limit)];
  });
  const [first = 0, second = 0] = fractions;
  return Math.floor((1 - (fractions.length === 2 ? Math.abs((first - second) / 2) : 0)) * 100);
}

const MIB = 1024 * 1024;

function images(cluster: ReferenceCluster, pod: Pod, node: Node): number {
  const sizeOn = ({ status }: Node, image: string): number | undefined =>
    status.images?.find(({ names }) => names?.includes(image) === true)?.sizeBytes;
  const wanted = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ image = '' }) => image);
  const bytes = wanted.reduce((sum, image) => {
    const holders = cluster.nodes.filter((other) => sizeOn(other, image) !== undefined).length;
    return sum + Math.floor((sizeOn(node, image) ?? 0) * (holders / cluster.nodes.length));
  }, 0);
  const max = 1000 * MIB * wanted.length;
  const counted = Math.min(Math.max(bytes, 23 * MIB), max);
  return Math.floor((100 * (counted - 23 * MIB)) / (max - 23 * MIB));
}
