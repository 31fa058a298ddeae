import type { ContainerStatus, Pod } from '#api/types/core.v1.ts';
import { isSidecar, roleOf } from '../pod/pod-containers.ts';

/**
 * True when a container without a trace has to count as failed now that its pod is over: it may have run. Those whose
 * turn had not come are left as they are, waiting.
 */
export function mayHaveRun(pod: Pod, name: string): boolean {
  const { initContainerStatuses = [] } = pod.status;
  switch (roleOf(pod, name)) {
    case 'ephemeral':
      return false;
    case 'app':
      return isInitialized(pod);
    default: {
      const last = Math.max(initContainerStatuses.findLastIndex(hasLeftWaiting), 0);
      return initContainerStatuses.findIndex((status) => status.name === name) <= last;
    }
  }
}

function isInitialized({ spec, status }: Pod): boolean {
  const last = spec.initContainers?.at(-1);
  if (last === undefined || (status.containerStatuses ?? []).some(hasLeftWaiting)) {
    return true;
  }
  const told = status.initContainerStatuses?.find(({ name }) => name === last.name);
  if (told === undefined) {
    return false;
  }
  return isSidecar(last)
    ? told.state.running !== undefined && told.started === true
    : [told.state, told.lastState].some(({ terminated }) => terminated?.exitCode === 0);
}

function hasLeftWaiting({ state, lastState }: ContainerStatus): boolean {
  return state.waiting === undefined || lastState.terminated !== undefined;
}
