import type { Pod } from '#api/types/core.v1.ts';
import type { ClusterEvent } from '../queue/cluster-event.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import type { NodeRow } from '../state/node-table.ts';
import type { PodShape } from '../state/pod-shape.ts';
import type { Candidate } from '../plugins/default-preemption/victims.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Rejection } from './rejection.ts';

/** One pod on its way through the plugins. */
export interface PodContext {
  readonly pod: Pod;
  readonly shape: PodShape;
  readonly state: ClusterState;
}

/**
 * How far the answer of a filter or scorer reaches.
 *
 * - `node`: it depends on the node's own row and on what the pod asks of a node itself: requests, host ports,
 *   tolerations, node selector, node affinity. The framework keeps such answers for all pods with the same `rowKey`
 *   and asks again only for rows that changed.
 * - `cluster`: it may depend on anything; it is prepared and asked anew in every cycle.
 */
export type Reach = 'node' | 'cluster';

/** A filter made ready for one pod. */
export interface NodeFilter {
  /** Undefined when the node can take the pod. */
  check(row: NodeRow): Rejection | undefined;
}

/** A scorer made ready for one pod. */
export interface NodeScorer {
  /** A whole number; 0 to 100 unless `normalise` brings it there. */
  score(row: NodeRow): number;
  /** Rewrites the first `count` scores, those of the feasible nodes in the order of `rows`, to 0 to 100. */
  normalise?(scores: Float64Array, count: number, rows: Int32Array): void;
}

/** The nodes that passed all filters. */
export interface FeasibleNodes {
  readonly rows: Int32Array;
  readonly count: number;
}

/** `skip`: the plugin has nothing to say about this pod. */
export type PreFilterOutcome =
  | 'skip'
  /** `onlyNodes`: no other node needs to be looked at. */
  | { readonly filter: NodeFilter; readonly onlyNodes?: ReadonlySet<string> }
  /** No node can take the pod. */
  | { readonly rejection: Rejection };

export type PostFilterOutcome =
  /** Room is being made on the node; the pod waits for it. */
  | {
      readonly kind: 'nominated';
      readonly nodeName: string;
      readonly victims: readonly Pod[];
      /** All that were found, for extenders to choose among; none when they have no say. */
      readonly candidates?: readonly Candidate[];
    }
  /** `message` ends up in the event. `clearsNomination`: the pod's nominated node is of no use any more. */
  | { readonly kind: 'helpless'; readonly message: string; readonly clearsNomination: boolean };

export type PermitOutcome =
  | { readonly kind: 'allow' }
  | { readonly kind: 'reject'; readonly rejection: Rejection }
  /** Holds the pod, with its place kept, until the plugin knows. The promise must settle in bounded time. */
  | { readonly kind: 'wait'; readonly decision: Promise<'allow' | Rejection> };

/** Whether an event may help a pod that the plugin rejected. */
export interface QueueingHint {
  readonly events: readonly ClusterEvent['kind'][];
  /** Left out: always. Must not read anything but the event and the pod. */
  readonly mayHelp?: (pod: Pod, event: ClusterEvent) => boolean;
}

/** A plugin implements the extension points it needs. `name` is upstream's where upstream has it. */
export interface Plugin {
  readonly name: string;
  /** Why the pod may not enter the queue yet, or undefined. */
  preEnqueue?(pod: Pod): string | undefined;
  readonly filterReach?: Reach;
  preFilter?(context: PodContext): PreFilterOutcome;
  /** @param check asks all filters about a row in the state as it is then; for trying things out */
  postFilter?(
    context: PodContext,
    diagnosis: Diagnosis,
    check: (row: NodeRow) => Rejection | undefined,
  ): PostFilterOutcome;
  readonly scoreReach?: Reach;
  preScore?(context: PodContext, feasible: FeasibleNodes): 'skip' | NodeScorer;
  reserve?(context: PodContext, row: NodeRow): Rejection | undefined;
  /** Undoes `reserve`; also called when `reserve` of another plugin refused. */
  unreserve?(context: PodContext, row: NodeRow): void;
  permit?(context: PodContext, row: NodeRow): PermitOutcome;
  preBind?(pod: Pod, nodeName: string, signal: AbortSignal): Promise<void>;
  /** False leaves the binding to the next plugin. */
  bind?(pod: Pod, nodeName: string, signal: AbortSignal): Promise<boolean>;
  postBind?(pod: Pod, nodeName: string): void;
  readonly queueingHints?: readonly QueueingHint[];
}

/** The highest score of a node after normalisation. */
export const NODE_SCORE_MAX = 100;
