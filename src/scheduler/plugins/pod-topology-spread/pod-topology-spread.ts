import type { Pod, TopologySpreadConstraint } from '#api/types/core.v1.ts';
import type { FeasibleNodes, NodeFilter, NodeScorer, Plugin, PodContext } from '../../framework/plugin.ts';
import { busy, unfit } from '../../framework/rejection.ts';
import type { ClusterEvent } from '../../queue/cluster-event.ts';
import type { PodShape } from '../../state/pod-shape.ts';
import { NO_LABELS, selectorOf } from '../../state/selectors.ts';
import { NO_DOMAIN } from '../../state/topology.ts';
import type { OwnSelectors } from './own-selectors.ts';
import {
  eligibilityOf,
  HOSTNAME_LABEL,
  planDefault,
  planOwn,
  SYSTEM_DEFAULT_CONSTRAINTS,
  type SpreadConstraint,
  type SpreadPlan,
} from './spread-constraint.ts';
import { spreadScorer, type ScoredConstraint } from './spread-scorer.ts';
import { SpreadSums } from './spread-sums.ts';

const NAME = 'PodTopologySpread';
const SKEWED = busy(NAME, "node(s) didn't match pod topology spread constraints");
const LABEL_MISSING = unfit(
  NAME,
  "node(s) didn't match pod topology spread constraints (missing required label)",
);

const NO_PLAN: SpreadPlan = { hard: [], soft: [], needsAllTopologies: true };

export interface SpreadOptions {
  /** For pods without constraints: which pods count as their kind. */
  readonly ownSelectors: OwnSelectors;
  /** For pods without constraints; upstream's defaults of the system when left out. */
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
}

/** Keeps alike pods evenly spread over the values of node labels. */
export function podTopologySpread({ ownSelectors, defaultConstraints }: SpreadOptions): Plugin {
  const plans = new WeakMap<PodShape, SpreadPlan>();
  const planOf = (shape: PodShape): SpreadPlan => {
    if (shape.spreadConstraints.length === 0) {
      const selector = ownSelectors.of(shape);
      const defaults = defaultConstraints ?? SYSTEM_DEFAULT_CONSTRAINTS;
      return selector.isEmpty
        ? NO_PLAN
        : planDefault(defaults, selector, shape, defaultConstraints === undefined);
    }
    let plan = plans.get(shape);
    if (plan === undefined) {
      plan = planOwn(shape);
      plans.set(shape, plan);
    }
    return plan;
  };
  return {
    name: NAME,
    filterReach: 'cluster',
    preFilter(context) {
      const { hard } = planOf(context.shape);
      return hard.length === 0 ? 'skip' : { filter: spreadFilter(context, hard) };
    },
    scoreReach: 'cluster',
    preScore(context, feasible) {
      const plan = planOf(context.shape);
      return plan.soft.length === 0 ? 'skip' : scorerOf(context, plan, feasible);
    },
    queueingHints: [
      {
        events: ['AssignedPodAdd', 'AssignedPodDelete', 'AssignedPodLabelUpdate'],
        mayHelp: isCountedForPod,
      },
      {
        events: ['NodeAdd', 'NodeDelete', 'NodeLabelUpdate', 'NodeTaintUpdate'],
        mayHelp: hasLabelsForPod,
      },
      { events: ['PodUpdate'] },
    ],
  };
}

function spreadFilter({ shape, state }: PodContext, constraints: readonly SpreadConstraint[]): NodeFilter {
  const neededKeys = constraints.map(({ topologyKey }) => topologyKey);
  const checks = constraints.map((constraint) => {
    const sums = sumsOf(constraint, neededKeys, shape, state);
    const { domainOf } = sums.topology;
    // The most pods that a domain may hold already and still take this one.
    const most = constraint.maxSkew - constraint.selfMatch + sums.minimum(constraint.domainsMin);
    return { domainOf, counts: sums.sums, most };
  });
  return {
    check(row) {
      for (const { domainOf, counts, most } of checks) {
        const domain = domainOf[row] ?? NO_DOMAIN;
        if (domain === NO_DOMAIN) {
          return LABEL_MISSING;
        }
        if ((counts[domain] ?? 0) > most) {
          return SKEWED;
        }
      }
      return undefined;
    },
  };
}

function scorerOf({ shape, state }: PodContext, plan: SpreadPlan, feasible: FeasibleNodes): NodeScorer {
  const neededKeys = plan.needsAllTopologies ? plan.soft.map(({ topologyKey }) => topologyKey) : [];
  const scored = plan.soft.map((constraint): ScoredConstraint => {
    const isPerNode = constraint.topologyKey === HOSTNAME_LABEL;
    return {
      topology: state.nodes.topology(constraint.topologyKey),
      maxSkew: constraint.maxSkew,
      isPerNode,
      counts: isPerNode
        ? state.counters.counter(constraint.counted, false).perNode
        : sumsOf(constraint, neededKeys, shape, state).sums,
    };
  });
  return spreadScorer(scored, plan.needsAllTopologies, feasible);
}

function sumsOf(
  constraint: SpreadConstraint,
  neededKeys: readonly string[],
  shape: PodShape,
  { counters, nodes }: PodContext['state'],
): SpreadSums {
  const counter = counters.counter(constraint.counted, false);
  const { key, isEligible } = eligibilityOf(constraint, neededKeys, shape, nodes);
  return counter
    .derive(
      `spread ${constraint.topologyKey} ${key}`,
      () => new SpreadSums(counter, nodes.topology(constraint.topologyKey), nodes, isEligible),
    )
    .refresh();
}

function isCountedForPod(pod: Pod, event: ClusterEvent): boolean {
  return (
    'pod' in event &&
    event.pod.metadata.namespace === pod.metadata.namespace &&
    (event.kind === 'AssignedPodLabelUpdate' ||
      (pod.spec.topologySpreadConstraints ?? []).some(({ labelSelector }) =>
        selectorOf(labelSelector).matches(event.pod.metadata.labels),
      ))
  );
}

function hasLabelsForPod(pod: Pod, event: ClusterEvent): boolean {
  // A node that lost a label may be the domain that held the others back.
  return (
    event.kind === 'NodeLabelUpdate' ||
    event.kind === 'NodeTaintUpdate' ||
    ('node' in event &&
      (pod.spec.topologySpreadConstraints ?? []).every(
        ({ topologyKey }) => (event.node.metadata.labels ?? NO_LABELS)[topologyKey] !== undefined,
      ))
  );
}
