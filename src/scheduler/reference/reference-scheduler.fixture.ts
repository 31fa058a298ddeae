import type { LabelSelector, LabelSelectorRequirement } from '#api/types/meta.v1.ts';
import type { Node, NodeSelectorTerm, Pod, PodAffinityTerm, Taint } from '#api/types/core.v1.ts';
import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import { referenceSpreadFilter, referenceSpreadScores } from './reference-spread.fixture.ts';
import { referenceAffinityFilter, referenceAffinityScores } from './reference-affinity.fixture.ts';

/**
 * The scheduler as the documents describe it, with nothing but objects and loops: every question is answered
 * from the whole cluster, nothing is kept. What the fast one must agree with.
 */
export interface ReferenceCluster {
  readonly nodes: readonly Node[];
  /** Pods that have a node. */
  readonly pods: readonly Pod[];
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** For pods without constraints of their own: the labels that choose alike pods. */
  readonly ownSelector: (pod: Pod) => Readonly<Record<string, string>> | undefined;
}

export interface ReferenceResult {
  /** By node name: the first plugin that refuses, and its words. */
  readonly rejected: ReadonlyMap<string, string>;
  /** By node name, then plugin: weighted, normalised. */
  readonly scores: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

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

export function podsOn({ pods }: ReferenceCluster, node: Node): readonly Pod[] {
  return pods.filter(({ spec }) => spec.nodeName === node.metadata.name);
}

function isTolerated(taint: Taint, tolerations: NonNullable<Pod['spec']['tolerations']>): boolean {
  return tolerations.some((toleration) => {
    const isSameEffect = (toleration.effect ?? '') === '' || toleration.effect === taint.effect;
    const isSameKey = (toleration.key ?? '') === '' || toleration.key === taint.key;
    const isSameValue = toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
    return isSameEffect && isSameKey && isSameValue;
  });
}

export function toleratesNode(pod: Pod, node: Node): boolean {
  return (node.spec.taints ?? []).every(
    (taint) => taint.effect === 'PreferNoSchedule' || isTolerated(taint, pod.spec.tolerations ?? []),
  );
}

export function wantsNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const isSelected = Object.entries(pod.spec.nodeSelector ?? {}).every(
    ([key, value]) => labels[key] === value,
  );
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return (
    isSelected &&
    (required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node)))
  );
}

function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((expression) => matchesExpression(expression, node.metadata.labels ?? {})) &&
    matchFields.every((field) => matchesExpression(field, { 'metadata.name': node.metadata.name }))
  );
}

function matchesExpression(
  { key, operator, values = [] }: LabelSelectorRequirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      throw new Error(`unknown operator ${operator}`);
  }
}

export function matchesSelector(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return (
    selector !== undefined &&
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every((expression) => matchesExpression(expression, labels))
  );
}

export function termChooses(
  cluster: ReferenceCluster,
  term: PodAffinityTerm,
  owner: Pod,
  other: Pod,
): boolean {
  const { namespaces = [], namespaceSelector } = term;
  const namespace = other.metadata.namespace;
  const isDefault = namespaces.length === 0 && namespaceSelector === undefined;
  const isInNamespace =
    (isDefault && namespace === owner.metadata.namespace) ||
    namespaces.includes(namespace) ||
    matchesSelector(namespaceSelector, cluster.namespaceLabels.get(namespace));
  return isInNamespace && matchesSelector(term.labelSelector, other.metadata.labels);
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

export function allocatableOf(node: Node, resource: string): number {
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
