import type { Pod } from '#api/types/core.v1.ts';
import type { NodeFilter, NodeScorer, Plugin, PodContext } from '../../framework/plugin.ts';
import { NODE_SCORE_MAX } from '../../framework/plugin.ts';
import { busy, unfit } from '../../framework/rejection.ts';
import type { ClusterEvent } from '../../queue/cluster-event.ts';
import type { ClusterState } from '../../state/cluster-state.ts';
import type { DomainSums } from '../../state/domain-sums.ts';
import { everySelector } from '../../state/label-set.ts';
import type { AffinityTerm, PodShape } from '../../state/pod-shape.ts';
import { NO_DOMAIN } from '../../state/topology.ts';

const NAME = 'InterPodAffinity';
const AFFINITY = unfit(NAME, "node(s) didn't match pod affinity rules");
const ANTI_AFFINITY = busy(NAME, "node(s) didn't match pod anti-affinity rules");
const EXISTING_ANTI_AFFINITY = busy(NAME, "node(s) didn't satisfy existing pods anti-affinity rules");

export interface InterPodAffinityOptions {
  /** What a required affinity of a placed pod for the new one is worth in scores; 0 to 100. */
  readonly hardPodAffinityWeight?: number;
  /** Look at the preferences of placed pods only for new pods that have some themselves. */
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** Pods that want to be near other pods, or away from them; both sides are asked. */
export function interPodAffinity({
  hardPodAffinityWeight = 1,
  ignorePreferredTermsOfExistingPods = false,
}: InterPodAffinityOptions = {}): Plugin {
  return {
    name: NAME,
    filterReach: 'cluster',
    preFilter(context) {
      const filter = affinityFilter(context);
      return filter === undefined ? 'skip' : { filter };
    },
    scoreReach: 'cluster',
    preScore({ shape, state }) {
      const isSilent = ignorePreferredTermsOfExistingPods && shape.preferredAffinity.length === 0;
      return (isSilent ? undefined : affinityScorer(shape, state, hardPodAffinityWeight)) ?? 'skip';
    },
    queueingHints: [
      {
        events: ['AssignedPodAdd', 'AssignedPodDelete', 'AssignedPodLabelUpdate'],
        mayHelp: concernsPod,
      },
      { events: ['NodeAdd', 'NodeLabelUpdate', 'NamespaceLabelUpdate', 'PodUpdate'] },
    ],
  };
}

/** Undefined when no pod minds another. */
function affinityFilter({ shape, state }: PodContext): NodeFilter | undefined {
  const shunning = state.terms.requiredAnti(shape.labelSet).map(({ sums }) => sums);
  const shunned = shape.requiredAntiAffinity.map((term) =>
    state.counters.counter(term.selector, true).sumsOver(state.nodes.topology(term.topologyKey)),
  );
  const wanted = wantedSums(shape, state);
  if (shunning.length === 0 && shunned.length === 0 && wanted.length === 0) {
    return undefined;
  }
  // The first of a group whose pods want to be together has nobody to join yet.
  const mayStartAlone =
    wanted.every(({ sums }) => sums.every((sum) => sum === 0)) && choosesItself(shape, state);
  const unwanted = shunned.map(onRows);
  const unwelcoming = shunning.map(onRows);
  return {
    check(row) {
      if (wanted.length > 0 && !hasCompany(wanted, row, mayStartAlone)) {
        return AFFINITY;
      }
      if (isAnyAt(unwanted, row)) {
        return ANTI_AFFINITY;
      }
      return isAnyAt(unwelcoming, row) ? EXISTING_ANTI_AFFINITY : undefined;
    },
  };
}

/** Sums over domains as plain arrays, for the loops over all nodes. Valid until the next change of the state. */
interface RowSums {
  readonly domainOf: Int32Array;
  readonly sums: Float64Array;
}

function onRows({ topology, sums }: DomainSums): RowSums {
  return { domainOf: topology.domainOf, sums };
}

function isAnyAt(list: readonly RowSums[], row: number): boolean {
  for (const { domainOf, sums } of list) {
    const domain = domainOf[row] ?? NO_DOMAIN;
    if (domain !== NO_DOMAIN && (sums[domain] ?? 0) > 0) {
      return true;
    }
  }
  return false;
}

/** Pods that satisfy every required term at once, summed over the topology of each term. */
function wantedSums(
  { requiredAffinity }: PodShape,
  { counters, nodes }: ClusterState,
): readonly DomainSums[] {
  if (requiredAffinity.length === 0) {
    return [];
  }
  const counter = counters.counter(everySelector(requiredAffinity.map(({ selector }) => selector)), true);
  return requiredAffinity.map(({ topologyKey }) => counter.sumsOver(nodes.topology(topologyKey)));
}

function choosesItself({ requiredAffinity, labelSet }: PodShape, { namespaceLabels }: ClusterState): boolean {
  return requiredAffinity.every(({ selector }) => selector.matches(labelSet, namespaceLabels));
}

function hasCompany(wanted: readonly DomainSums[], row: number, mayStartAlone: boolean): boolean {
  let isAlone = false;
  for (const sums of wanted) {
    if ((sums.topology.domainOf[row] ?? NO_DOMAIN) === NO_DOMAIN) {
      return false;
    }
    isAlone ||= sums.at(row) <= 0;
  }
  return !isAlone || mayStartAlone;
}

/** Something that pulls a pod towards domains or pushes it away, by its number there. */
interface Pull {
  readonly sums: DomainSums;
  readonly weight: number;
}

/** Undefined when nothing pulls or pushes anywhere. */
function affinityScorer(shape: PodShape, state: ClusterState, hardWeight: number): NodeScorer | undefined {
  const sumsOf = ({ selector, topologyKey }: AffinityTerm): DomainSums =>
    state.counters.counter(selector, true).sumsOver(state.nodes.topology(topologyKey));
  const pulls: Pull[] = [
    ...shape.preferredAffinity.map(({ term, weight }) => ({ sums: sumsOf(term), weight })),
    ...state.terms.preferred(shape.labelSet).map(({ sums }) => ({ sums, weight: 1 })),
  ];
  if (hardWeight > 0) {
    pulls.push(...state.terms.required(shape.labelSet).map(({ sums }) => ({ sums, weight: hardWeight })));
  }
  const felt = pulls
    .filter(({ sums, weight }) => weight !== 0 && sums.sums.some((sum) => sum !== 0))
    .map(({ sums, weight }) => ({ ...onRows(sums), weight }));
  if (felt.length === 0) {
    return undefined;
  }
  return {
    score(row) {
      let score = 0;
      for (const { domainOf, sums, weight } of felt) {
        const domain = domainOf[row] ?? NO_DOMAIN;
        score += domain === NO_DOMAIN ? 0 : (sums[domain] ?? 0) * weight;
      }
      return score;
    },
    normalise: normaliseByRange,
  };
}

/** The lowest score becomes 0 and the highest the maximum. */
function normaliseByRange(scores: Float64Array, count: number): void {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < count; i++) {
    min = Math.min(min, scores[i] ?? 0);
    max = Math.max(max, scores[i] ?? 0);
  }
  const range = max - min;
  for (let i = 0; i < count; i++) {
    scores[i] = range > 0 ? Math.trunc(NODE_SCORE_MAX * (((scores[i] ?? 0) - min) / range)) : 0;
  }
}

/** Without the labels of namespaces at hand, a pod elsewhere may always matter. */
function concernsPod(pod: Pod, event: ClusterEvent): boolean {
  if (!('pod' in event)) {
    return false;
  }
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  switch (event.kind) {
    case 'AssignedPodAdd':
      return (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0;
    case 'AssignedPodDelete':
      return (
        (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0 ||
        event.pod.spec.affinity?.podAntiAffinity !== undefined ||
        // Affinity to itself becomes possible when the last pod elsewhere goes.
        podAffinity !== undefined
      );
    default:
      return true;
  }
}
