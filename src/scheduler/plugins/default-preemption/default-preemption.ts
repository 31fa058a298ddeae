import type { Pod } from '#api/types/core.v1.ts';
import type { PodDisruptionBudget } from '#api/types/policy.v1.ts';
import type { Random } from '#base/random.ts';
import { unschedulableMessage, type Diagnosis } from '../../framework/diagnosis.ts';
import type { Nominations } from '../../framework/nominations.ts';
import type { Plugin, PodContext, PostFilterOutcome } from '../../framework/plugin.ts';
import { unfit, type Rejection } from '../../framework/rejection.ts';
import { podPriority } from '../../state/pod-requests.ts';
import { bestCandidate } from './best-candidate.ts';
import { isCandidate, victimsOn, type Candidate, type Check } from './victims.ts';

export interface PreemptionLimits {
  /** Of the nodes, at least this many are tried before the best so far is taken. */
  readonly candidateNodesPercentageMin?: number;
  readonly candidateNodesAbsoluteMin?: number;
}

export interface DefaultPreemptionOptions extends PreemptionLimits {
  readonly nominations: Nominations;
  readonly random: Random;
  readonly budgets: () => readonly PodDisruptionBudget[];
}

const NAME = 'DefaultPreemption';
const NOT_HELPFUL = unfit(NAME, 'Preemption is not helpful for scheduling');

/** When no node has room, finds the node where the removal of lower pods makes room with the least harm. */
export function defaultPreemption(options: DefaultPreemptionOptions): Plugin {
  return {
    name: NAME,
    postFilter(context, diagnosis, check) {
      const obstacle = whyNotEligible(context, diagnosis, options.nominations);
      if (obstacle !== undefined) {
        return { kind: 'helpless', message: `preemption: ${obstacle}`, clearsNomination: false };
      }
      return preempt(context, diagnosis, options, check);
    },
    queueingHints: [],
  };
}

/** The pod may be told never to preempt, or be waiting for victims that are still going. */
function whyNotEligible(
  { pod, state: { nodes } }: PodContext,
  { rejections }: Diagnosis,
  nominations: Nominations,
): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') {
    return 'not eligible due to preemptionPolicy=Never.';
  }
  const nominated = nominations.nodeOf(pod.metadata.uid) ?? pod.status.nominatedNodeName;
  const row = nominated === undefined ? undefined : nodes.rowOf(nominated);
  if (row === undefined || rejections[row]?.isResolvable === false) {
    return undefined;
  }
  const isWaiting = [...(nodes.pods[row] ?? [])].some(
    (other) => podPriority(other.pod) < podPriority(pod) && isLeavingForAnother(other.pod),
  );
  return isWaiting ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

function isLeavingForAnother({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (status.conditions ?? []).some(
      (condition) =>
        condition.type === 'DisruptionTarget' &&
        condition.status === 'True' &&
        condition.reason === 'PreemptionByScheduler',
    )
  );
}

function preempt(
  context: PodContext,
  diagnosis: Diagnosis,
  options: DefaultPreemptionOptions,
  check: Check,
): PostFilterOutcome {
  const { nodes } = context.state;
  const { candidates, failures } = findCandidates(context, diagnosis, options, check);
  const best = bestCandidate(candidates);
  if (best !== undefined) {
    return { kind: 'nominated', nodeName: nodes.nameOf(best.row), victims: best.victims, candidates };
  }
  const counts = new Map<Rejection, number>();
  for (const rejection of failures) {
    counts.set(rejection, (counts.get(rejection) ?? 0) + 1);
  }
  const unhelpful = nodes.nodeCount - failures.length;
  if (unhelpful > 0) {
    counts.set(NOT_HELPFUL, unhelpful);
  }
  const message = unschedulableMessage({ nodeCount: nodes.nodeCount, preFilter: undefined, counts }, '');
  return { kind: 'helpless', message: `preemption: ${message}`, clearsNomination: true };
}

/** Tries nodes from a random one on, until enough candidates are found and one of them breaks no budget. */
function findCandidates(
  context: PodContext,
  { rejections, nodeCount }: Diagnosis,
  options: DefaultPreemptionOptions,
  check: Check,
): { readonly candidates: readonly Candidate[]; readonly failures: readonly Rejection[] } {
  const { candidateNodesPercentageMin = 10, candidateNodesAbsoluteMin = 100 } = options;
  const rows = rejections.flatMap((rejection, row) => (rejection?.isResolvable === true ? [row] : []));
  const enough = Math.min(
    nodeCount,
    Math.max(Math.floor((nodeCount * candidateNodesPercentageMin) / 100), candidateNodesAbsoluteMin),
  );
  const budgets = options.budgets();
  const candidates: Candidate[] = [];
  const failures: Rejection[] = [];
  let isHarmlessFound = false;
  const offset = rows.length === 0 ? 0 : options.random.int(rows.length);
  for (let step = 0; step < rows.length; step++) {
    const result = victimsOn(context, rows[(offset + step) % rows.length] ?? 0, budgets, check);
    if (!isCandidate(result)) {
      failures.push(result);
      continue;
    }
    candidates.push(result);
    isHarmlessFound ||= result.violatedBudgets === 0;
    if (candidates.length >= enough && isHarmlessFound) {
      break;
    }
  }
  return { candidates, failures };
}
