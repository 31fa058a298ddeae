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
  const isIgnored = (row: number): boolean =>
    needsAllTopologies &&
    constraints.some(({ topology }) => (topology.domainOf[row] ?? NO_DOMAIN) === NO_DOMAIN);
  const weights = constraints.map((constraint) =>
    Math.log(domainsAmong(constraint, feasible, isIgnored) + 2),
  );
  return {
    score(row) {
      if (isIgnored(row)) {
        return 0;
      }
      let score = 0;
      for (let i = 0; i < constraints.length; i++) {
        const constraint = constraints[i];
        const domain = constraint?.topology.domainOf[row] ?? NO_DOMAIN;
        if (constraint !== undefined && domain !== NO_DOMAIN) {
          const count = constraint.counts[constraint.isPerNode ? row : domain] ?? 0;
          score += count * (weights[i] ?? 0) + (constraint.maxSkew - 1);
        }
      }
      return Math.round(score);
    },
    normalise(scores, count, rows) {
      let min = Infinity;
      let max = 0;
      for (let i = 0; i < count; i++) {
        if (!isIgnored(rows[i] ?? 0)) {
          min = Math.min(min, scores[i] ?? 0);
          max = Math.max(max, scores[i] ?? 0);
        }
      }
      for (let i = 0; i < count; i++) {
        if (isIgnored(rows[i] ?? 0)) {
          scores[i] = 0;
        } else {
          scores[i] =
            max === 0 ? NODE_SCORE_MAX : Math.trunc((NODE_SCORE_MAX * (max + min - (scores[i] ?? 0))) / max);
        }
      }
    },
  };
}

/** Domains that the feasible nodes belong to; nodes without the label, where they count, are one more. */
function domainsAmong(
  { topology, isPerNode }: ScoredConstraint,
  { rows, count }: FeasibleNodes,
  isIgnored: (row: number) => boolean,
): number {
  const seen = new Uint8Array(topology.domainsEnd + 1);
  let domains = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i] ?? 0;
    if (isIgnored(row)) {
      continue;
    }
    const slot = (topology.domainOf[row] ?? NO_DOMAIN) + 1;
    if (isPerNode || seen[slot] === 0) {
      seen[slot] = 1;
      domains += 1;
    }
  }
  return domains;
}
