import type { Pod } from '#api/types/core.v1.ts';
import type { NodeSelection, ScorePart } from '../framework/node-selection.ts';
import type { QueuedPod } from '../queue/queued-pod.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { summarise, type Attempt, type RejectedNodes } from './decision-log.ts';
import { adviceFor, type Advice } from './advice.ts';

/** What would happen if the pod were tried now. */
export interface Outlook {
  readonly nodeCount: number;
  readonly rejected: readonly RejectedNodes[];
  /** Nodes that could take it, the best first. */
  readonly feasible: readonly {
    readonly nodeName: string;
    readonly score: number;
    readonly scores: readonly ScorePart[];
  }[];
  /** What would help, the most promising first. */
  readonly advice: readonly Advice[];
}

/** Everything known about where a pod is and why; plain data, fit for an API. */
export interface PodExplanation {
  readonly podKey: string;
  readonly state: 'bound' | 'waiting' | 'gated' | 'other-scheduler' | 'finished' | 'in-progress';
  readonly nodeName?: string;
  readonly schedulerName: string;
  /** Why it is kept out of the queue. */
  readonly gate?: string;
  /** Where room is being made for it. */
  readonly nominatedNodeName?: string;
  /** Oldest first; the latest few only. */
  readonly attempts: readonly Attempt[];
  /** For a pod that waits. */
  readonly outlook?: Outlook;
}

export interface ExplainInput {
  readonly pod: Pod;
  readonly state: ClusterState;
  readonly queued: QueuedPod | undefined;
  readonly attempts: readonly Attempt[];
  /** Of the pod's profile; undefined when the pod is another scheduler's. */
  readonly selection: NodeSelection | undefined;
  readonly nominatedNodeName: string | undefined;
}

const FEASIBLE_SHOWN_MAX = 10;

/** Explains a pod from the history of its attempts and by asking all plugins about all nodes once more. */
export function explainPod(input: ExplainInput): PodExplanation {
  const { pod, queued, attempts, selection, nominatedNodeName } = input;
  const { namespace, name } = pod.metadata;
  const nodeName = pod.spec.nodeName ?? '';
  const state = stateOf(input);
  return {
    podKey: `${namespace}/${name}`,
    state,
    schedulerName: pod.spec.schedulerName ?? 'default-scheduler',
    attempts,
    ...(nodeName === '' ? {} : { nodeName }),
    ...(queued?.gate === undefined ? {} : { gate: queued.gate }),
    ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    ...(state === 'waiting' && selection !== undefined ? { outlook: outlookOf(input, selection) } : {}),
  };
}

function stateOf({ pod, queued, selection, state }: ExplainInput): PodExplanation['state'] {
  const { phase } = pod.status;
  if (phase === 'Succeeded' || phase === 'Failed') {
    return 'finished';
  }
  if ((pod.spec.nodeName ?? '') !== '') {
    return 'bound';
  }
  if (selection === undefined) {
    return 'other-scheduler';
  }
  if (queued?.gate !== undefined) {
    return 'gated';
  }
  return state.placed(pod.metadata.uid) === undefined ? 'waiting' : 'in-progress';
}

function outlookOf({ pod, state }: ExplainInput, selection: NodeSelection): Outlook {
  const context = { pod, shape: state.shapes.of(pod), state };
  const { rejections, scored } = selection.survey(context);
  const feasible = scored
    .map(({ row, scores }) => ({
      nodeName: state.nodes.nameOf(row),
      score: scores.reduce((sum, part) => sum + part.score, 0),
      scores,
    }))
    .sort((left, right) => right.score - left.score)
    .slice(0, FEASIBLE_SHOWN_MAX);
  const rejected = summarise(rejections, (row) => state.nodes.nameOf(row));
  return {
    nodeCount: state.nodes.nodeCount,
    rejected,
    feasible,
    advice: feasible.length > 0 ? [] : adviceFor(context, rejections, rejected),
  };
}
