import type { Plugin } from '../../framework/plugin.ts';

/** A pod with scheduling gates does not enter the queue. */
export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  preEnqueue({ spec: { schedulingGates = [] } }) {
    return schedulingGates.length === 0
      ? undefined
      : `waiting for scheduling gates: [${schedulingGates.map(({ name }) => name).join(' ')}]`;
  },
  queueingHints: [{ events: ['PodUpdate'] }],
};
