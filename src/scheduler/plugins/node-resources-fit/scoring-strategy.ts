import { NODE_SCORE_MAX } from '../../framework/plugin.ts';

export interface WeightedResource {
  readonly name: string;
  readonly weight: number;
}

/** A point of the curve of `RequestedToCapacityRatio`: utilisation in per cent to a score of 0 to 10. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

/** How free room turns into a score. */
export type ScoringStrategy =
  | { readonly type: 'LeastAllocated' | 'MostAllocated'; readonly resources: readonly WeightedResource[] }
  | {
      readonly type: 'RequestedToCapacityRatio';
      readonly resources: readonly WeightedResource[];
      readonly shape: readonly ShapePoint[];
    };

export const DEFAULT_RESOURCES: readonly WeightedResource[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** Scores one resource of a node, given what would be requested with the pod there. `allocatable` is not 0. */
export type ResourceScore = (requested: number, allocatable: number) => number;

export function leastAllocated(requested: number, allocatable: number): number {
  return requested > allocatable ? 0 : Math.trunc(((allocatable - requested) * NODE_SCORE_MAX) / allocatable);
}

/** A node that is overcommitted (by pods that count with assumed requests) counts as full. */
export function mostAllocated(requested: number, allocatable: number): number {
  return Math.trunc((Math.min(requested, allocatable) * NODE_SCORE_MAX) / allocatable);
}

/** Scores of the API go to 10, those of nodes to 100. */
const SHAPE_SCORE_FACTOR = NODE_SCORE_MAX / 10;

/** Interpolates between the points of the shape, in whole numbers as upstream does; flat outside of them. */
export function requestedToCapacity(shape: readonly ShapePoint[]): ResourceScore {
  const points = shape.map(({ utilization, score }) => ({ utilization, score: score * SHAPE_SCORE_FACTOR }));
  const curve = (utilization: number): number => {
    let previous = points[0];
    for (const point of points) {
      if (utilization <= point.utilization) {
        if (previous === undefined || previous === point) {
          return point.score;
        }
        const rise = (point.score - previous.score) * (utilization - previous.utilization);
        return previous.score + Math.trunc(rise / (point.utilization - previous.utilization));
      }
      previous = point;
    }
    return previous?.score ?? 0;
  };
  return (requested, allocatable) =>
    requested > allocatable
      ? curve(NODE_SCORE_MAX)
      : curve(Math.trunc((requested * NODE_SCORE_MAX) / allocatable));
}

export function resourceScoreOf(strategy: ScoringStrategy): ResourceScore {
  switch (strategy.type) {
    case 'LeastAllocated':
      return leastAllocated;
    case 'MostAllocated':
      return mostAllocated;
    case 'RequestedToCapacityRatio':
      return requestedToCapacity(strategy.shape);
    default:
      return strategy satisfies never;
  }
}
