import type { Plugin } from '../../framework/plugin.ts';
import { unfit } from '../../framework/rejection.ts';
import { tolerates } from '../../state/taints.ts';

const NAME = 'NodeUnschedulable';
const CORDONED = unfit(NAME, 'node(s) were unschedulable');
/** Tolerating this taint is the way to say that a cordoned node is fine. */
const CORDON_TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;

/** Keeps pods off cordoned nodes. */
export const nodeUnschedulable: Plugin = {
  name: NAME,
  filterReach: 'node',
  preFilter({ shape, state: { nodes } }) {
    if (shape.tolerations.some((toleration) => tolerates(toleration, CORDON_TAINT))) {
      return 'skip';
    }
    return {
      filter: { check: (row) => (nodes.nodes[row]?.spec.unschedulable === true ? CORDONED : undefined) },
    };
  },
  queueingHints: [
    {
      events: ['NodeAdd', 'NodeTaintUpdate'],
      mayHelp: (_, event) => 'node' in event && event.node.spec.unschedulable !== true,
    },
    { events: ['PodUpdate'] },
  ],
};
