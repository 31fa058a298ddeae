import type { Node, Pod, PodAffinityTerm } from '#api/types/core.v1.ts';
import { termChooses, type ReferenceCluster } from './reference-matching.fixture.ts';

interface Placed {
  readonly pod: Pod;
  readonly node: Node;
}

function placedOf({ nodes, pods }: ReferenceCluster): readonly Placed[] {
  return pods.flatMap((pod) => {
    const node = nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName);
    return node === undefined ? [] : [{ pod, node }];
  });
}

function isSameDomain(left: Node, right: Node, key: string): boolean {
  const value = left.metadata.labels?.[key];
  return value !== undefined && right.metadata.labels?.[key] === value;
}

const requiredTerms = (pod: Pod): readonly PodAffinityTerm[] =>
  pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const requiredAntiTerms = (pod: Pod): readonly PodAffinityTerm[] =>
  pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

export function referenceAffinityFilter(cluster: ReferenceCluster, pod: Pod, node: Node): string | undefined {
  const placed = placedOf(cluster);
  const chooses = (term: PodAffinityTerm, owner: Pod, other: Pod): boolean =>
    termChooses(cluster, term, owner, other);
  const wanted = requiredTerms(pod);
  if (wanted.length > 0) {
    if (wanted.some(({ topologyKey }) => node.metadata.labels?.[topologyKey] === undefined)) {
      return "node(s) didn't match pod affinity rules";
    }
    const company = placed.filter((each) => wanted.every((term) => chooses(term, pod, each.pod)));
    const isTogether = wanted.every(({ topologyKey }) =>
      company.some((each) => isSameDomain(each.node, node, topologyKey)),
    );
    const isNobodyAnywhere = company.every((each) =>
      wanted.every(({ topologyKey }) => each.node.metadata.labels?.[topologyKey] === undefined),
    );
    const isOwnCompany = wanted.every((term) => chooses(term, pod, pod));
    if (!isTogether && !(isNobodyAnywhere && isOwnCompany)) {
      return "node(s) didn't match pod affinity rules";
    }
  }
  const isNearUnwanted = requiredAntiTerms(pod).some((term) =>
    placed.some((each) => chooses(term, pod, each.pod) && isSameDomain(each.node, node, term.topologyKey)),
  );
  if (isNearUnwanted) {
    return "node(s) didn't match pod anti-affinity rules";
  }
  const isUnwanted = placed.some((each) =>
    requiredAntiTerms(each.pod).some(
      (term) => chooses(term, each.pod, pod) && isSameDomain(each.node, node, term.topologyKey),
    ),
  );
  return isUnwanted ? "node(s) didn't satisfy existing pods anti-affinity rules" : undefined;
}

interface Preference {
  readonly term: PodAffinityTerm;
  readonly weight: number;
}

function preferencesOf({ spec: { affinity } }: Pod): readonly Preference[] {
  const towards = affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const away = affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...towards.map(({ weight, podAffinityTerm }) => ({ weight, term: podAffinityTerm })),
    ...away.map(({ weight, podAffinityTerm }) => ({ weight: -weight, term: podAffinityTerm })),
  ];
}

export function referenceAffinityScores(
  cluster: ReferenceCluster,
  pod: Pod,
  feasible: readonly Node[],
): readonly number[] {
  const placed = placedOf(cluster);
  const scores = feasible.map((node) => {
    let score = 0;
    for (const each of placed) {
      const isNear = (key: string): boolean => isSameDomain(each.node, node, key);
      for (const { term, weight } of preferencesOf(pod)) {
        score += termChooses(cluster, term, pod, each.pod) && isNear(term.topologyKey) ? weight : 0;
      }
      for (const { term, weight } of preferencesOf(each.pod)) {
        score += termChooses(cluster, term, each.pod, pod) && isNear(term.topologyKey) ? weight : 0;
      }
      for (const term of requiredTerms(each.pod)) {
        score += termChooses(cluster, term, each.pod, pod) && isNear(term.topologyKey) ? 1 : 0;
      }
    }
    return score;
  });
  const min = Math.min(...scores);
  const range = Math.max(...scores) - min;
  return scores.map((score) => (range > 0 ? Math.floor(100 * ((score - min) / range)) : 0));
}
