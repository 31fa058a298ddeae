import { normaliseByMax } from '../../framework/normalise.ts';
import type { Plugin } from '../../framework/plugin.ts';
import { unfit } from '../../framework/rejection.ts';
import { countIntolerablePreferences, untoleratedTaint } from '../../state/taints.ts';

const NAME = 'TaintToleration';
const TAINTED = unfit(NAME, 'node(s) had untolerated taint(s)');
const NO_TAINTS = [] as const;

/** Keeps pods off nodes whose taints they do not tolerate, and prefers nodes with fewer `PreferNoSchedule` ones. */
export const taintToleration: Plugin = {
  name: NAME,
  filterReach: 'node',
  preFilter({ shape, state: { nodes } }) {
    return {
      filter: {
        check: (row) =>
          untoleratedTaint(nodes.nodes[row]?.spec.taints ?? NO_TAINTS, shape.tolerations) === undefined
            ? undefined
            : TAINTED,
      },
    };
  },
  scoreReach: 'node',
  preScore({ shape, state: { nodes } }) {
    return {
      score: (row) =>
        countIntolerablePreferences(nodes.nodes[row]?.spec.taints ?? NO_TAINTS, shape.tolerations),
      normalise: (scores, count) => normaliseByMax(scores, count, true),
    };
  },
  queueingHints: [
    {
      events: ['NodeAdd', 'NodeTaintUpdate'],
      mayHelp: (pod, event) =>
        'node' in event &&
        untoleratedTaint(event.node.spec.taints ?? NO_TAINTS, pod.spec.tolerations ?? []) === undefined,
    },
    { events: ['PodUpdate'] },
  ],
};
