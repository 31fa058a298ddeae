import type { Pod } from '#api/types/core.v1.ts';
import type { NodeFilter, NodeScorer, Plugin, PodContext } from '../../framework/plugin.ts';
import { busy, unfit, type Rejection } from '../../framework/rejection.ts';
import type { ClusterEvent } from '../../queue/cluster-event.ts';
import type { NodeTable, ResourceColumn } from '../../state/node-table.ts';
import { isCountedResource, podRequests } from '../../state/pod-requests.ts';
import type { PodShape } from '../../state/pod-shape.ts';
import { amountOf, CPU, isScalarResource, MEMORY } from '../../state/resource-ids.ts';
import {
  DEFAULT_RESOURCES,
  resourceScoreOf,
  type ScoringStrategy,
  type WeightedResource,
} from './scoring-strategy.ts';

/** Extended resources that a node's capacity says nothing about, by name and by what stands before the slash. */
export interface IgnoredResources {
  readonly names?: readonly string[];
  readonly groups?: readonly string[];
}

const NAME = 'NodeResourcesFit';
const TOO_MANY_PODS = 'Too many pods';

const LEAST_ALLOCATED: ScoringStrategy = { type: 'LeastAllocated', resources: DEFAULT_RESOURCES };

/** A node takes a pod when it has the free resources that the pod requests; scores by what would be left. */
export function nodeResourcesFit(
  strategy: ScoringStrategy = LEAST_ALLOCATED,
  ignored: IgnoredResources = {},
): Plugin {
  const rejections = new FitRejections();
  const names = new Set(ignored.names);
  const groups = new Set(ignored.groups);
  const isIgnored = (name: string): boolean => names.has(name) || groups.has(name.split('/', 1)[0] ?? '');
  return {
    name: NAME,
    filterReach: 'node',
    preFilter: ({ shape, state: { nodes } }) => ({
      filter: fitFilter(shape, nodes, rejections, isIgnored),
    }),
    scoreReach: 'node',
    preScore: (context) => fitScorer(context, strategy),
    queueingHints: [
      { events: ['AssignedPodDelete', 'AssignedPodScaleDown'], mayHelp: freesWhatIsWanted },
      {
        events: ['NodeAdd', 'NodeAllocatableUpdate'],
        mayHelp: (pod, event) => couldFitEmpty(pod, event, isIgnored),
      },
      { events: ['PodUpdate'] },
    ],
  };
}

function fitFilter(
  { demands }: PodShape,
  nodes: NodeTable,
  rejections: FitRejections,
  isIgnored: (name: string) => boolean,
): NodeFilter {
  const looked = demands.filter(({ resource }) => {
    const name = nodes.resources.nameOf(resource);
    return !isScalarResource(name) || !isIgnored(name);
  });
  const wanted = looked.map(({ resource, amount }) => ({
    amount,
    resource,
    column: nodes.column(resource),
  }));
  const fits = (row: number): boolean => {
    for (const { amount, column } of wanted) {
      if (amount > (column.allocatable[row] ?? 0) - (column.requested[row] ?? 0)) {
        return false;
      }
    }
    return true;
  };
  return {
    check(row) {
      const isFull = (nodes.pods[row]?.size ?? 0) + 1 > (nodes.podLimit[row] ?? 0);
      if (!isFull && fits(row)) {
        return undefined;
      }
      const lacking = wanted.filter(
        ({ amount, column }) => amount > (column.allocatable[row] ?? 0) - (column.requested[row] ?? 0),
      );
      return rejections.of(
        isFull,
        lacking.map(({ resource }) => nodes.resources.nameOf(resource)),
        lacking.every(({ amount, column }) => amount <= (column.allocatable[row] ?? 0)),
      );
    },
  };
}

/** Keeps one rejection per combination of lacking resources. */
class FitRejections {
  readonly #known = new Map<string, Rejection>();

  of(isFull: boolean, lacking: readonly string[], isResolvable: boolean): Rejection {
    const reasons = [...(isFull ? [TOO_MANY_PODS] : []), ...lacking.map((name) => `Insufficient ${name}`)];
    const key = `${isResolvable} ${reasons.join(',')}`;
    let rejection = this.#known.get(key);
    if (rejection === undefined) {
      rejection = isResolvable ? busy(NAME, ...reasons) : unfit(NAME, ...reasons);
      this.#known.set(key, rejection);
    }
    return rejection;
  }
}

/** A weighted column of the node table and what the pod adds to it. */
interface ScoredColumn {
  readonly weight: number;
  readonly added: number;
  readonly column: ResourceColumn;
  /** What counts as requested: of CPU and memory, with assumptions for pods that request none. */
  readonly requested: () => Float64Array;
}

function fitScorer({ shape, state: { nodes } }: PodContext, strategy: ScoringStrategy): NodeScorer {
  const scoreOf = resourceScoreOf(strategy);
  const columns = strategy.resources.flatMap((resource) => scoredColumn(resource, shape, nodes));
  const isRounded = strategy.type === 'RequestedToCapacityRatio';
  return {
    score(row) {
      let sum = 0;
      let weights = 0;
      for (const { weight, added, column, requested } of columns) {
        const limit = column.allocatable[row] ?? 0;
        if (limit > 0) {
          const score = scoreOf((requested()[row] ?? 0) + added, limit);
          // On the curve of requested to capacity a zero also means: no opinion.
          if (!isRounded || score > 0) {
            sum += score * weight;
            weights += weight;
          }
        }
      }
      if (weights === 0) {
        return 0;
      }
      return isRounded ? Math.round(sum / weights) : Math.trunc(sum / weights);
    },
  };
}

function scoredColumn(
  { name, weight }: WeightedResource,
  shape: PodShape,
  nodes: NodeTable,
): readonly ScoredColumn[] {
  const resource = nodes.resources.idOf(name);
  const column = nodes.column(resource);
  if (resource === CPU) {
    return [{ weight, added: shape.nonZeroCpuMillis, column, requested: () => nodes.nonZeroCpuMillis }];
  }
  if (resource === MEMORY) {
    return [{ weight, added: shape.nonZeroMemoryBytes, column, requested: () => nodes.nonZeroMemoryBytes }];
  }
  const added = shape.demands.find((demand) => demand.resource === resource)?.amount ?? 0;
  // An extended resource that the pod does not use says nothing about where the pod should go.
  return added === 0 && isScalarResource(name)
    ? []
    : [{ weight, added, column, requested: () => column.requested }];
}

function freesWhatIsWanted(pod: Pod, event: ClusterEvent): boolean {
  if (event.kind !== 'AssignedPodScaleDown') {
    // A place for a pod is freed too, and that alone may be what was missing.
    return event.kind === 'AssignedPodDelete';
  }
  const asked = podRequests(event.pod.spec).amounts;
  return [...podRequests(pod.spec).amounts].some(([name, amount]) => amount > 0 && asked.has(name));
}

function couldFitEmpty(pod: Pod, event: ClusterEvent, isIgnored: (name: string) => boolean): boolean {
  if (!('node' in event)) {
    return false;
  }
  const allocatable = event.node.status.allocatable ?? {};
  return [...podRequests(pod.spec).amounts].every(
    ([name, amount]) =>
      !isCountedResource(name) ||
      isIgnored(name) ||
      amount === 0 ||
      amount <= amountOf(name, allocatable[name] ?? '0'),
  );
}
