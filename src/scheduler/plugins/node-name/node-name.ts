import type { Plugin } from '../../framework/plugin.ts';
import { unfit } from '../../framework/rejection.ts';

const NAME = 'NodeName';
const OTHER_NODE = unfit(NAME, "node(s) didn't match the requested node name");

/** A pod that names its node goes nowhere else. */
export const nodeName: Plugin = {
  name: NAME,
  filterReach: 'cluster',
  preFilter({ pod, state: { nodes } }) {
    const wanted = pod.spec.nodeName ?? '';
    if (wanted === '') {
      return 'skip';
    }
    return { filter: { check: (row) => (nodes.nameOf(row) === wanted ? undefined : OTHER_NODE) } };
  },
  queueingHints: [{ events: ['NodeAdd'] }],
};
