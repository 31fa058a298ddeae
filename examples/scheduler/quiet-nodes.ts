import { definePlugin, unfit } from 'coracle/scheduler';

const LIMIT = 'example.com/pods-at-most';

/** Prefers nodes with few pods, and keeps to the limit that a node's annotation sets. */
export const quietNodes = definePlugin({
  name: 'QuietNodes',
  filter({ node, pods }) {
    const limit = Number(node.metadata.annotations?.[LIMIT] ?? Infinity);
    if (Number.isNaN(limit)) {
      return unfit('QuietNodes', 'node(s) had a limit that is no number');
    }
    return pods.length < limit ? undefined : 'node(s) were not quiet';
  },
  score: ({ pods }) => pods.length,
  scale: 'lowest',
  queueingHints: [{ events: ['AssignedPodDelete', 'NodeAdd'] }],
});
