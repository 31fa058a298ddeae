import { badRequest, type StatusError } from '#api/status-error.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { Lister } from '#client/lister.ts';
import { containerNamed } from '../pod/pod-containers.ts';
import { containerNotInPod, podNotFound, type ContainerTarget, type NodeStreams } from '../node-streams.ts';

/** The streams of simulated pods: their logs are empty, and there is no process to talk to. */
export function simStreams(pods: Lister<Pod>): NodeStreams {
  const find = ({ namespace, pod }: Pick<ContainerTarget, 'namespace' | 'pod'>): Pod => {
    const found = pods.get(`${namespace}/${pod}`);
    if (found === undefined) {
      throw podNotFound(pod);
    }
    return found;
  };
  const refuse = (target: Pick<ContainerTarget, 'namespace' | 'pod'>, what: string): StatusError => {
    const { spec } = find(target);
    return badRequest(`pod "${target.pod}" runs on the simulated node "${spec.nodeName}": ${what}`);
  };
  return {
    logs: async (target) => {
      if (containerNamed(find(target), target.container) === undefined) {
        throw containerNotInPod(target);
      }
      return silence();
    },
    exec: async (target) => {
      throw refuse(target, 'there is no process to run a command beside');
    },
    attach: async (target) => {
      throw refuse(target, 'there is no process to attach to');
    },
    portForward: async (target) => {
      throw refuse(target, 'nothing listens on its ports');
    },
  };
}

async function* silence(): AsyncGenerator<Uint8Array> {
  // Nothing runs, so nothing is said.
}
