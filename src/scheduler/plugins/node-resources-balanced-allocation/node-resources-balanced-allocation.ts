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
          return {
            name,
            resource,
            amount: demands.find((demand) => demand.resource === resource)?.amount ?? 0,
          };
        })
        .filter(({ name, amount }) => amount > 0 || !isScalarResource(name));
      if (added.every(({ amount }) => amount === 0)) {
        // A pod without requests unbalances nothing; scoring it would send all such pods to one node.
        return 'skip';
      }
      const fractions: number[] = [];
      return {
        score(row) {
          fractions.length = 0;
          for (const { resource, amount } of added) {
            const limit = nodes.allocatable(resource)[row] ?? 0;
            if (limit > 0) {
              fractions.push(Math.min(1, ((nodes.requested(resource)[row] ?? 0) + amount) / limit));
            }
          }
          return Math.trunc((1 - deviation(fractions)) * NODE_SCORE_MAX);
        },
      };
    },
  };
}

/** The standard deviation. */
function deviation(fractions: readonly number[]): number {
  const [first = 0, second = 0] = fractions;
  if (fractions.length < 2) {
    return 0;
  }
  if (fractions.length === 2) {
    return Math.abs((first - second) / 2);
  }
  let total = 0;
  for (const fraction of fractions) {
    total += fraction;
  }
  const mean = total / fractions.length;
  let squares = 0;
  for (const fraction of fractions) {
    squares += (fraction - mean) ** 2;
  }
  return Math.sqrt(squares / fractions.length);
}
