import type { Node, Pod } from '#api/types/core.v1.ts';
import { defined } from '#base/assert.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { normaliseByMax } from './normalise.ts';
import {
  NODE_SCORE_MAX,
  type NodeFilter,
  type NodeScorer,
  type PermitOutcome,
  type Plugin,
} from './plugin.ts';
import { busy, type Rejection } from './rejection.ts';

/** A pod and a node that it might go to. Everything in it is frozen. */
export interface Place {
  readonly pod: Pod;
  readonly node: Node;
  /** On the node, or on their way to it. */
  readonly pods: readonly Pod[];
}

/** A scheduler plugin in terms of pods and nodes. Name the extension points that it needs. */
export interface PluginDefinition extends Pick<Plugin, 'preBind' | 'bind' | 'postBind' | 'queueingHints'> {
  /** Unlike any other plugin's; profiles and events speak of it by this name. */
  readonly name: string;
  /** Why the pod may not enter the queue yet, or undefined. Asked again when the pod changes. */
  gate?(pod: Pod): string | undefined;
  /**
   * Undefined when the node can take the pod; else why not. A sentence means that other pods may be in the way, and
   * that evicting some may help; `unfit(name, sentence)` that it would not.
   */
  filter?(place: Place): string | Rejection | undefined;
  /** How well the node suits: a whole number from 0 to 100, or any from 0 on with `scale`. */
  score?(place: Place): number;
  /** `highest`: the highest score becomes 100, the others in proportion; `lowest`: the other way round. */
  readonly scale?: 'highest' | 'lowest';
  /** Holds the pod back, with its place kept, or refuses the place. */
  permit?(pod: Pod, nodeName: string): PermitOutcome;
}

/**
 * Makes a plugin of functions of pods and nodes.
 *
 * ```ts
 * const quiet = definePlugin({
 *   name: 'QuietNodes',
 *   filter: ({ pods }) => (pods.length < 10 ? undefined : 'node(s) were not quiet'),
 *   score: ({ pods }) => pods.length,
 *   scale: 'lowest',
 * });
 * ```
 */
export function definePlugin(definition: PluginDefinition): Plugin {
  const { name, gate, filter, score, permit } = definition;
  const rejections = new Map<string, Rejection>();
  const rejectionOf = (reason: string): Rejection => {
    const rejection = rejections.get(reason) ?? busy(name, reason);
    rejections.set(reason, rejection);
    return rejection;
  };
  return {
    ...parts(definition),
    ...(gate === undefined ? {} : { preEnqueue: (pod: Pod) => gate.call(definition, pod) }),
    ...(filter === undefined
      ? {}
      : {
          preFilter: ({ pod, state }) => ({
            filter: {
              check(row) {
                const answer = filter.call(definition, placeOf(pod, state, row));
                return typeof answer === 'string' ? rejectionOf(answer) : answer;
              },
            } satisfies NodeFilter,
          }),
        }),
    ...(score === undefined
      ? {}
      : { preScore: ({ pod, state }) => scorerOf(definition, (row) => placeOf(pod, state, row)) }),
    ...(permit === undefined
      ? {}
      : {
          permit: ({ pod, state }, row) => permit.call(definition, pod, state.nodes.nameOf(row)),
        }),
  };
}

/** What a plugin has word for word from its definition. */
function parts(definition: PluginDefinition): Plugin {
  const { name, preBind, bind, postBind, queueingHints } = definition;
  return {
    name,
    ...(preBind === undefined ? {} : { preBind: preBind.bind(definition) }),
    ...(bind === undefined ? {} : { bind: bind.bind(definition) }),
    ...(postBind === undefined ? {} : { postBind: postBind.bind(definition) }),
    ...(queueingHints === undefined ? {} : { queueingHints }),
  };
}

function scorerOf(definition: PluginDefinition, place: (row: number) => Place): NodeScorer {
  const { name, scale } = definition;
  return {
    score: (row) => definition.score?.(place(row)) ?? 0,
    normalise(scores, count) {
      if (scale !== undefined) {
        normaliseByMax(scores, count, scale === 'lowest');
      }
      const bad = scores
        .subarray(0, count)
        .find((score) => !Number.isInteger(score) || score < 0 || score > NODE_SCORE_MAX);
      if (bad !== undefined) {
        throw new Error(
          `plugin "${name}" returns an invalid score ${bad}, it should in the range of [0, ${NODE_SCORE_MAX}] after normalizing`,
        );
      }
    },
  };
}

function placeOf(pod: Pod, { nodes }: ClusterState, row: number): Place {
  return {
    pod,
    node: defined(nodes.nodes[row], 'the node of a row that is asked about'),
    get pods() {
      return [...(nodes.pods[row] ?? [])].map((placed) => placed.pod);
    },
  };
}
