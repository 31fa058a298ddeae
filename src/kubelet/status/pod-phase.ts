import type { ContainerStatus, Pod, PodPhase } from '#api/types/core.v1.ts';
import { isSidecar } from '../pod/pod-containers.ts';

/** The phase that the containers' statuses amount to. A pod that is over has no container left to start. */
export function podPhaseOf(pod: Pod, statuses: ContainerStatuses, isOver: boolean): PodPhase {
  const init = countInit(pod, statuses.init);
  const app = countApp(pod, statuses.app);
  const isNever = pod.spec.restartPolicy === 'Never';
  if (init.failed > 0 && (isNever || isOver)) {
    return 'Failed';
  }
  const hasAnyStarted = statuses.app.some(({ state, lastState }) =>
    [state.running, state.terminated, lastState.terminated].some((part) => part !== undefined),
  );
  if (init.pending > 0 && !hasAnyStarted) {
    return 'Pending';
  }
  if (app.waiting > 0) {
    return 'Pending';
  }
  if (app.running > 0) {
    return 'Running';
  }
  if (app.stopped === 0) {
    return 'Pending';
  }
  if (init.runningSidecars > 0) {
    return 'Running';
  }
  const policy = pod.spec.restartPolicy ?? 'Always';
  if (!isOver && policy === 'Always') {
    return 'Running'; // All of them are about to be restarted.
  }
  if (app.stopped === app.succeeded) {
    return 'Succeeded';
  }
  return isNever || isOver ? 'Failed' : 'Running';
}

export interface ContainerStatuses {
  readonly init: readonly ContainerStatus[];
  readonly app: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}

function countInit(
  pod: Pod,
  statuses: readonly ContainerStatus[],
): { readonly pending: number; readonly failed: number; readonly runningSidecars: number } {
  const count = { pending: 0, failed: 0, runningSidecars: 0 };
  for (const container of pod.spec.initContainers ?? []) {
    const status = statuses.find(({ name }) => name === container.name);
    if (isSidecar(container)) {
      count.pending += status?.started === true || status?.state.terminated !== undefined ? 0 : 1;
      count.runningSidecars += status?.state.running === undefined ? 0 : 1;
      continue;
    }
    const end = status?.state.terminated ?? (status?.state.waiting && status.lastState.terminated);
    if (end === undefined) {
      count.pending++;
    } else if (end.exitCode !== 0) {
      count.failed++;
    }
  }
  return count;
}

function countApp(
  pod: Pod,
  statuses: readonly ContainerStatus[],
): {
  readonly running: number;
  readonly waiting: number;
  readonly stopped: number;
  readonly succeeded: number;
} {
  const count = { running: 0, waiting: 0, stopped: 0, succeeded: 0 };
  for (const container of pod.spec.containers) {
    const status = statuses.find(({ name }) => name === container.name);
    if (status?.state.running !== undefined) {
      count.running++;
    } else if (status?.state.terminated !== undefined) {
      count.stopped++;
      count.succeeded += status.state.terminated.exitCode === 0 ? 1 : 0;
    } else if (status?.lastState.terminated !== undefined) {
      count.stopped++;
    } else {
      count.waiting++;
    }
  }
  return count;
}
