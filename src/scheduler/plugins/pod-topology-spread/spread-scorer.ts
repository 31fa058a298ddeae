import { NODE_SCORE_MAX, type FeasibleNodes, type NodeScorer } from '../../framework/plugin.ts';
import { NO_DOMAIN, type Topology } from '../../state/topology.ts';

/** A constraint to score by. */
export interface ScoredConstraint {
  readonly topology: Topology;
  readonly maxSkew: number;
  /** Every node is its own domain (the host name label). */
  readonly isPerNode: boolean;
  /** Pods by row when per node, by domain otherwise. */
  readonly counts: Float64Array;
}

/**
 * Fewer alike pods in the node's domains is better. Each constraint weighs by the logarithm of its number of
 * domains, so that a few zones and a thousand hosts have a comparable say.
 */
export function spreadScorer(
  constraints: readonly ScoredConstraint[],
  needsAllTopologies: boolean,
  feasible: FeasibleNodes,
): NodeScorer {
  const ignored = ignoredRows(needsAllTopologies ? constraints : [], feasible);
  const terms = constraints.map((constraint) => ({
    ...constraint,
    domainOf: constraint.topology.domainOf,
    weight: Math.log(domainsAmong(constraint, feasible, ignored) + 2),
  }));
  return {
    score(row) {
      if (ignored?.has(row) === true) {
        return 0;
      }
      let score = 0;
      for (const { domainOf, counts, isPerNode, weight, maxSkew } of terms) {
        const domain = domainOf[row] ?? NO_DOMAIN;
        if (domain !== NO_DOMAIN) {
          score += (counts[isPerNode ? row : domain] ?? 0) * weight + (maxSkew - 1);
        }
      }
      return Math.round(score);
    },
    normalise: (scores, count, rows) => normalise(scores, count, (i) => ignored?.has(rows[i] ?? 0) === true),
  };
}

function normalise(scores: Float64Array, count: number, isIgnored: (position: number) => boolean): void {
  let min = Infinity;
  let max = 0;
  for (let i = 0; i < count; i++) {
    const score = scores[i] ?? 0;
    if ((score < min || score > max) && !isIgnored(i)) {
      min = Math.min(min, score);
      max = Math.max(max, score);
    }
  }
  for (let i = 0; i < count; i++) {
    if (isIgnored(i)) {
      scores[i] = 0;
    } else {
      scores[i] =
        max === 0 ? NODE_SCORE_MAX : Math.trunc((NODE_SCORE_MAX * (max + min - (scores[i] ?? 0))) / max);
    }
  }
}

/** Feasible nodes that lack a label of the constraints; undefined in the usual case that none does. */
function ignoredRows(
  constraints: readonly ScoredConstraint[],
  { rows, count }: FeasibleNodes,
): ReadonlySet<number> | undefined {
  let ignored: Set<number> | undefined;
  for (const { topology } of constraints) {
    const { domainOf } = topology;
    for (let i = 0; i < count; i++) {
      const row = rows[i] ?? 0;
      if ((domainOf[row] ?? NO_DOMAIN) === NO_DOMAIN) {
        (ignored ??= new Set()).add(row);
      }
    }
  }
  return ignored;
}

/** Domains that the feasible nodes belong to; nodes without the label, where they count, are one more. */
function domainsAmong(
  { topology, isPerNode }: ScoredConstraint,
  { rows, count }: FeasibleNodes,
  ignored: ReadonlySet<number> | undefined,
): number {
  if (isPerNode) {
    return count - (ignored?.size ?? 0);
  }
  const { domainOf, domainsEnd } = topology;
  const seen = new Uint8Array(domainsEnd + 1);
  let domains = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i] ?? 0;
    const slot = (domainOf[row] ?? NO_DOMAIN) + 1;
    if (seen[slot] === 0 && ignored?.has(row) !== true) {
      seen[slot] = 1;
      domains += 1;
    }
  }
  return domains;
}
