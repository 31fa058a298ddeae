import type { Plugin } from '../../framework/plugin.ts';
import { busy } from '../../framework/rejection.ts';
import { hostPortsOf } from '../../state/host-ports.ts';

const NAME = 'NodePorts';
const TAKEN = busy(NAME, "node(s) didn't have free ports for the requested pod ports");

/** A port of the node serves one pod. */
export const nodePorts: Plugin = {
  name: NAME,
  filterReach: 'node',
  preFilter({ shape: { hostPorts }, state: { nodes } }) {
    if (hostPorts.length === 0) {
      return 'skip';
    }
    return {
      filter: { check: (row) => (nodes.portsOn(row)?.clashesWith(hostPorts) === true ? TAKEN : undefined) },
    };
  },
  queueingHints: [
    {
      events: ['AssignedPodDelete'],
      mayHelp(pod, event) {
        const wanted = hostPortsOf(pod.spec);
        return (
          event.kind === 'AssignedPodDelete' &&
          hostPortsOf(event.pod.spec).some(({ port, protocol }) =>
            wanted.some((own) => own.port === port && own.protocol === protocol),
          )
        );
      },
    },
    { events: ['NodeAdd', 'PodUpdate'] },
  ],
};
