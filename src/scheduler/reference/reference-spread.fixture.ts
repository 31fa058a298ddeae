import type { LabelSelector } from '#api/types/meta.v1.ts';
import type { Node, Pod, TopologySpreadConstraint } from '#api/types/core.v1.ts';
import {
  matchesSelector,
  podsOn,
  toleratesNode,
  wantsNode,
  type ReferenceCluster,
} from './reference-matching.fixture.ts';

const HOSTNAME = 'kubernetes.io/hostname';

interface Constraint extends TopologySpreadConstraint {
  readonly selector: LabelSelector | undefined;
}

function constraintsOf(
  cluster: ReferenceCluster,
  pod: Pod,
): { readonly list: readonly Constraint[]; readonly isOwn: boolean } {
  const own = pod.spec.topologySpreadConstraints ?? [];
  if (own.length > 0) {
    const labels = pod.metadata.labels ?? {};
    const list = own.map((constraint) => {
      const keys = (constraint.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
      const narrowing = keys.map((key) => ({ key, operator: 'In', values: [labels[key] ?? ''] }));
      const { labelSelector } = constraint;
      const selector =
        labelSelector === undefined
          ? undefined
          : { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...narrowing] };
      return { ...constraint, selector };
    });
    return { list, isOwn: true };
  }
  const matchLabels = cluster.ownSelector(pod);
  if (matchLabels === undefined) {
    return { list: [], isOwn: false };
  }
  const defaults = [
    { topologyKey: HOSTNAME, maxSkew: 3 },
    { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
  ];
  return {
    list: defaults.map((each) => ({
      ...each,
      whenUnsatisfiable: 'ScheduleAnyway',
      selector: { matchLabels },
    })),
    isOwn: false,
  };
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}

function countOn(
  cluster: ReferenceCluster,
  node: Node,
  pod: Pod,
  selector: LabelSelector | undefined,
): number {
  if (selector === undefined || isEmpty(selector)) {
    return 0;
  }
  return podsOn(cluster, node).filter(
    ({ metadata }) =>
      metadata.namespace === pod.metadata.namespace &&
      metadata.deletionTimestamp === undefined &&
      matchesSelector(selector, metadata.labels),
  ).length;
}

function valueOf(node: Node, key: string): string | undefined {
  return node.metadata.labels?.[key];
}

function isIncluded(constraint: Constraint, pod: Pod, node: Node): boolean {
  return (
    (constraint.nodeAffinityPolicy === 'Ignore' || wantsNode(pod, node)) &&
    (constraint.nodeTaintsPolicy !== 'Honor' || toleratesNode(pod, node))
  );
}

export function referenceSpreadFilter(cluster: ReferenceCluster, pod: Pod, node: Node): string | undefined {
  const hard = constraintsOf(cluster, pod).list.filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  const complete = cluster.nodes.filter((each) =>
    hard.every(({ topologyKey }) => valueOf(each, topologyKey) !== undefined),
  );
  for (const constraint of hard) {
    const { topologyKey, maxSkew, minDomains = 1, selector } = constraint;
    const own = valueOf(node, topologyKey);
    if (own === undefined) {
      return "node(s) didn't match pod topology spread constraints (missing required label)";
    }
    const counts = new Map<string, number>();
    for (const each of complete.filter((candidate) => isIncluded(constraint, pod, candidate))) {
      const value = valueOf(each, topologyKey) ?? '';
      counts.set(value, (counts.get(value) ?? 0) + countOn(cluster, each, pod, selector));
    }
    const minimum = counts.size < minDomains ? 0 : Math.min(...counts.values());
    const self = matchesSelector(selector, pod.metadata.labels) ? 1 : 0;
    if ((counts.get(own) ?? 0) + self - minimum > maxSkew) {
      return "node(s) didn't match pod topology spread constraints";
    }
  }
  return undefined;
}

export function referenceSpreadScores(
  cluster: ReferenceCluster,
  pod: Pod,
  feasible: readonly Node[],
): readonly number[] {
  const { list, isOwn } = constraintsOf(cluster, pod);
  const soft = list.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway');
  if (soft.length === 0) {
    return feasible.map(() => 0);
  }
  const isComplete = (node: Node): boolean =>
    !isOwn || soft.every(({ topologyKey }) => valueOf(node, topologyKey) !== undefined);
  const scorable = feasible.filter(isComplete);
  const raw = new Map<Node, number>();
  for (const node of scorable) {
    let score = 0;
    for (const constraint of soft) {
      const { topologyKey, maxSkew, selector } = constraint;
      const own = valueOf(node, topologyKey);
      const isHost = topologyKey === HOSTNAME;
      const size = isHost
        ? scorable.length
        : new Set(scorable.map((each) => valueOf(each, topologyKey))).size;
      if (own !== undefined) {
        const peers = isHost
          ? [node]
          : cluster.nodes.filter(
              (each) =>
                isComplete(each) && isIncluded(constraint, pod, each) && valueOf(each, topologyKey) === own,
            );
        const count = peers.reduce((sum, each) => sum + countOn(cluster, each, pod, selector), 0);
        score += count * Math.log(size + 2) + (maxSkew - 1);
      }
    }
    raw.set(node, Math.round(score));
  }
  const min = Math.min(...raw.values());
  const max = Math.max(...raw.values());
  return feasible.map((node) => {
    const score = raw.get(node);
    if (score === undefined) {
      return 0;
    }
    return max === 0 ? 100 : Math.floor((100 * (max + min - score)) / max);
  });
}
