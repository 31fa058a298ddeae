import type { PodDisruptionBudget } from '#api/types/policy.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { PodContext } from '../../framework/plugin.ts';
import { unfit, type Rejection } from '../../framework/rejection.ts';
import type { PlacedPod } from '../../state/placed-pod.ts';
import { podPriority } from '../../state/pod-requests.ts';
import { NO_LABELS, selectorOf } from '../../state/selectors.ts';

/** Pods whose removal from a node would make room there. */
export interface Candidate {
  readonly row: number;
  /** The most important first. */
  readonly victims: readonly Pod[];
  readonly violatedBudgets: number;
}

const NAME = 'DefaultPreemption';
const NO_VICTIMS = unfit(NAME, 'No preemption victims found for incoming pod');

/** Answers whether the pod would fit on the row, in the state as it is then. */
export type Check = (row: number) => Rejection | undefined;

/**
 * The fewest and least important pods to remove from a node so that the pod fits: all lower ones are taken
 * away, then given back one by one, those under a budget and the important ones first, as long as it still fits.
 */
export function victimsOn(
  { pod, state }: PodContext,
  row: number,
  budgets: readonly PodDisruptionBudget[],
  check: Check,
): Candidate | Rejection {
  const lower = [...(state.nodes.pods[row] ?? [])].filter(
    (other) => podPriority(other.pod) < podPriority(pod),
  );
  if (lower.length === 0) {
    return NO_VICTIMS;
  }
  return state.imagine(({ add, remove }) => {
    lower.forEach(remove);
    const rejection = check(row);
    if (rejection !== undefined) {
      return rejection;
    }
    const { violating, harmless } = splitByBudget(lower.sort(moreImportantFirst), budgets);
    const victims: Pod[] = [];
    let violatedBudgets = 0;
    for (const other of [...violating, ...harmless]) {
      const isKept = state.imagine((trial) => {
        trial.add(other);
        return check(row) === undefined;
      });
      if (isKept) {
        add(other);
      } else {
        victims.push(other.pod);
        violatedBudgets += violating.includes(other) ? 1 : 0;
      }
    }
    victims.sort((left, right) => podPriority(right) - podPriority(left));
    return { row, victims, violatedBudgets };
  });
}

export function isCandidate(result: Candidate | Rejection): result is Candidate {
  return 'victims' in result;
}

/** Higher priority first; among equals, the pod that has run longer. */
function moreImportantFirst(left: PlacedPod, right: PlacedPod): number {
  return podPriority(right.pod) - podPriority(left.pod) || startTimeMs(left.pod) - startTimeMs(right.pod);
}

/** When the pod started; one that has not yet counts as starting later than all others. */
export function startTimeMs({ status: { startTime } }: Pod): number {
  return startTime === undefined ? Infinity : Date.parse(startTime);
}

/** Which of the pods, removed in this order, would go beyond what their disruption budgets still allow. */
function splitByBudget(
  pods: readonly PlacedPod[],
  budgets: readonly PodDisruptionBudget[],
): { readonly violating: readonly PlacedPod[]; readonly harmless: readonly PlacedPod[] } {
  const left = new Map(budgets.map((budget) => [budget, budget.status.disruptionsAllowed]));
  const violating: PlacedPod[] = [];
  const harmless: PlacedPod[] = [];
  for (const placed of pods) {
    let isViolating = false;
    for (const budget of budgets) {
      if (protects(budget, placed.pod)) {
        const allowed = (left.get(budget) ?? 0) - 1;
        left.set(budget, allowed);
        isViolating ||= allowed < 0;
      }
    }
    (isViolating ? violating : harmless).push(placed);
  }
  return { violating, harmless };
}

/** A pod whose eviction the budget has counted already costs it nothing more. */
function protects({ metadata, spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  const { name, namespace, labels = NO_LABELS } = pod.metadata;
  if (metadata.namespace !== namespace || Object.keys(labels).length === 0) {
    return false;
  }
  const selector = selectorOf(spec.selector);
  return !selector.isEmpty && selector.matches(labels) && status.disruptedPods?.[name] === undefined;
}
