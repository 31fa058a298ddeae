import { NODE_SCORE_MAX, type Plugin } from '../../framework/plugin.ts';
import { isScalarResource } from '../../state/resource-ids.ts';
import { DEFAULT_RESOURCES, type WeightedResource } from '../node-resources-fit/scoring-strategy.ts';

/** Prefers nodes on which the pod would leave the resources used to like fractions. */
export function nodeResourcesBalancedAllocation(
  resources: readonly WeightedResource[] = DEFAULT_RESOURCES,
): Plugin {
  return {
    name: 'NodeResourcesBalancedAllocation',
    scoreReach: 'node',
    preScore({ shape: { demands }, state: { nodes } }) {
      const added = resources
        .map(({ name }) => {
          const resource = nodes.resources.idOf(name);
          const amount = demands.find((demand) => demand.resource === resource)?.amount ?? 0;
          return { name, amount, column: nodes.column(resource) };
        })
        .filter(({ name, amount }) => amount > 0 || !isScalarResource(name));
      if (added.every(({ amount }) => amount === 0)) {
        // A pod without requests unbalances nothing; scoring it would send all such pods to one node.
        return 'skip';
      }
      const fractions = new Float64Array(added.length);
      return {
        score(row) {
          let count = 0;
          for (const { amount, column } of added) {
            const limit = column.allocatable[row] ?? 0;
            if (limit > 0) {
              fractions[count] = Math.min(1, ((column.requested[row] ?? 0) + amount) / limit);
              count += 1;
            }
          }
          return Math.trunc((1 - deviation(fractions, count)) * NODE_SCORE_MAX);
        },
      };
    },
  };
}

/** The standard deviation of the first `count`. */
function deviation(fractions: Float64Array, count: number): number {
  if (count < 2) {
    return 0;
  }
  if (count === 2) {
    return Math.abs(((fractions[0] ?? 0) - (fractions[1] ?? 0)) / 2);
  }
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += fractions[i] ?? 0;
  }
  const mean = total / count;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    squares += ((fractions[i] ?? 0) - mean) ** 2;
  }
  return Math.sqrt(squares / count);
}
