import { type LabelSelector, NOTHING } from '#api/label-selector.ts';
import type { TopologySpreadConstraint } from '#api/types/core.v1.ts';
import { podSelectorIn, type PodSelector } from '../../state/label-set.ts';
import type { NodeTable } from '../../state/node-table.ts';
import type { PodShape } from '../../state/pod-shape.ts';
import { NO_LABELS, selectorOf } from '../../state/selectors.ts';
import { untoleratedTaint } from '../../state/taints.ts';
import type { NodeEligibility } from './spread-sums.ts';

export const HOSTNAME_LABEL = 'kubernetes.io/hostname';
export const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** One constraint of a pod, made ready. */
export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly domainsMin: number;
  /** The pods that are counted. */
  readonly counted: PodSelector;
  /** 1 when the pod itself is one of them. */
  readonly selfMatch: 0 | 1;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** What a pod's constraints demand (`DoNotSchedule`) and what they would like (`ScheduleAnyway`). */
export interface SpreadPlan {
  readonly hard: readonly SpreadConstraint[];
  readonly soft: readonly SpreadConstraint[];
  /** Nodes that lack one of the labels get no score. False for the spread that pods get without asking. */
  readonly needsAllTopologies: boolean;
}

/** Constraints that pods get which have none of their own. */
export const SYSTEM_DEFAULT_CONSTRAINTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME_LABEL, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: ZONE_LABEL, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

export function planOwn(shape: PodShape): SpreadPlan {
  const compile = (constraint: TopologySpreadConstraint): SpreadConstraint => {
    const { labels } = shape.labelSet;
    const narrowing = Object.fromEntries(
      (constraint.matchLabelKeys ?? []).flatMap((key) =>
        labels[key] === undefined ? [] : [[key, labels[key]]],
      ),
    );
    return compileConstraint(constraint, selectorOf(constraint.labelSelector, narrowing), shape);
  };
  return split(shape.spreadConstraints, compile, true);
}

/** @param selector the pods of the services and of the owner that the pod belongs to */
export function planDefault(
  constraints: readonly TopologySpreadConstraint[],
  selector: LabelSelector,
  shape: PodShape,
  isSystemDefault: boolean,
): SpreadPlan {
  return split(constraints, (constraint) => compileConstraint(constraint, selector, shape), !isSystemDefault);
}

function split(
  constraints: readonly TopologySpreadConstraint[],
  compile: (constraint: TopologySpreadConstraint) => SpreadConstraint,
  needsAllTopologies: boolean,
): SpreadPlan {
  const isHard = ({ whenUnsatisfiable }: TopologySpreadConstraint): boolean =>
    whenUnsatisfiable === 'DoNotSchedule';
  return {
    hard: constraints.filter(isHard).map(compile),
    soft: constraints.filter((constraint) => !isHard(constraint)).map(compile),
    needsAllTopologies,
  };
}

function compileConstraint(
  constraint: TopologySpreadConstraint,
  selector: LabelSelector,
  { labelSet }: PodShape,
): SpreadConstraint {
  return {
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    domainsMin: constraint.minDomains ?? 1,
    // A selector without requirements counts no pod, though it chooses all; upstream has it so.
    counted: podSelectorIn(labelSet.namespace, selector.isEmpty ? NOTHING : selector),
    selfMatch: selector.matches(labelSet.labels ?? NO_LABELS) ? 1 : 0,
    honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorsTaints: (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
  };
}

/** The nodes that count for a constraint, and a text that is the same for the same nodes. */
export interface Eligibility {
  readonly key: string;
  readonly isEligible: NodeEligibility;
}

/** @param neededKeys labels that a node must have to count at all */
export function eligibilityOf(
  { honorsAffinity, honorsTaints }: SpreadConstraint,
  neededKeys: readonly string[],
  shape: PodShape,
  nodes: NodeTable,
): Eligibility {
  const required = honorsAffinity ? shape.requiredNodes : undefined;
  const { tolerations } = shape;
  return {
    key: JSON.stringify([
      neededKeys,
      honorsTaints,
      required === undefined && !honorsTaints ? '' : shape.nodeFilterKey,
      required !== undefined,
    ]),
    isEligible(row) {
      const node = nodes.nodes[row];
      if (node === undefined) {
        return false;
      }
      const labels = node.metadata.labels ?? NO_LABELS;
      return (
        neededKeys.every((key) => labels[key] !== undefined) &&
        (required === undefined || required(node)) &&
        (!honorsTaints || untoleratedTaint(node.spec.taints ?? [], tolerations) === undefined)
      );
    },
  };
}
