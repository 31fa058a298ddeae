import { normaliseByMax } from '../../framework/normalise.ts';
import type { Plugin } from '../../framework/plugin.ts';
import { unfit } from '../../framework/rejection.ts';
import { compileRequiredNodes, requiredNodeNames } from '../../state/node-selector.ts';

const NAME = 'NodeAffinity';
const NOT_WANTED = unfit(NAME, "node(s) didn't match Pod's node affinity/selector");

/** `nodeSelector` and node affinity, required and preferred. */
export const nodeAffinity: Plugin = {
  name: NAME,
  filterReach: 'node',
  preFilter({ shape: { requiredNodes, spec }, state: { nodes } }) {
    if (requiredNodes === undefined) {
      return 'skip';
    }
    const onlyNodes = requiredNodeNames(spec.affinity);
    return {
      ...(onlyNodes === undefined ? {} : { onlyNodes }),
      filter: {
        check(row) {
          const node = nodes.nodes[row];
          return node !== undefined && requiredNodes(node) ? undefined : NOT_WANTED;
        },
      },
    };
  },
  scoreReach: 'node',
  preScore({ shape: { preferredNodes }, state: { nodes } }) {
    if (preferredNodes.length === 0) {
      return 'skip';
    }
    return {
      score(row) {
        const node = nodes.nodes[row];
        let sum = 0;
        for (const { weight, matches } of preferredNodes) {
          sum += node !== undefined && matches(node) ? weight : 0;
        }
        return sum;
      },
      normalise: (scores, count) => normaliseByMax(scores, count, false),
    };
  },
  queueingHints: [
    {
      events: ['NodeAdd', 'NodeLabelUpdate'],
      mayHelp(pod, event) {
        const required = compileRequiredNodes(pod.spec.nodeSelector, pod.spec.affinity);
        return 'node' in event && (required === undefined || required(event.node));
      },
    },
    { events: ['PodUpdate'] },
  ],
};
