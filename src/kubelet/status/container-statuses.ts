import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  Signal,
} from '#api/types/core.v1.ts';
import {
  isAlive,
  latestOf,
  previousOf,
  type ContainerInstance,
  type RuntimePod,
} from '../pod/runtime-pod.ts';
import { mayRestart, roleOf, type AnyContainer } from '../pod/pod-containers.ts';
import { formatTime } from '#api/time.ts';
import { mayHaveRun } from './lost-containers.ts';
import type { ContainerStatuses } from './pod-phase.ts';

/** Why a container is not running although it should be. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

/** What the worker knows beside the runtime. */
export interface ContainerKnowledge {
  readonly runtimeName: string;
  /** Why the container waits, when an attempt to start it went wrong or has to wait. */
  waitingReason(name: string): WaitingReason | undefined;
  /** A start (with its postStart hook) is under way: what runs already does not count as running yet. */
  isStarting(name: string): boolean;
  /**
   * Stopped in order to be started anew, by a changed image or a failed probe. As upstream's kubelet does both in one
   * turn, nothing is told in between: such a container stays ready.
   */
  isReplaced(name: string): boolean;
  readiness(instance: ContainerInstance): { readonly hasStarted: boolean; readonly isReady: boolean };
  /** What the container left for people: its termination message, else the runtime's own words. */
  endMessage(instance: ContainerInstance): string;
}

/** `stopping`: nothing is started any more; `stopped`: nothing runs any more. */
export type PodStage = 'running' | 'stopping' | 'stopped';

export interface StatusesInput {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly knowledge: ContainerKnowledge;
  readonly stage: PodStage;
}

/** Exit code of a container that is gone without a trace. */
const EXIT_CODE_UNKNOWN = 137;

export function containerStatuses(input: StatusesInput): ContainerStatuses {
  const { spec, status } = input.pod;
  const isInitDone = areInitContainersPast(input);
  const of = (
    containers: readonly AnyContainer[] | undefined,
    previous: readonly ContainerStatus[] | undefined,
    waiting: string,
  ): readonly ContainerStatus[] =>
    (containers ?? []).map((container) =>
      statusOf(
        input,
        container,
        previous?.find(({ name }) => name === container.name),
        waiting,
      ),
    );
  const hasInit = (spec.initContainers ?? []).length > 0;
  return {
    init: of(spec.initContainers, status.initContainerStatuses, 'PodInitializing'),
    app: of(
      spec.containers,
      status.containerStatuses,
      hasInit && !isInitDone ? 'PodInitializing' : 'ContainerCreating',
    ),
    ephemeral: of(spec.ephemeralContainers, status.ephemeralContainerStatuses, 'ContainerCreating'),
  };
}

function areInitContainersPast({ pod, runtime }: StatusesInput): boolean {
  return pod.spec.containers.some(({ name }) => latestOf(runtime, name) !== undefined);
}

function statusOf(
  input: StatusesInput,
  container: AnyContainer,
  old: ContainerStatus | undefined,
  waitingReason: string,
): ContainerStatus {
  const { pod, runtime, knowledge } = input;
  const instance = latestOf(runtime, container.name);
  if (instance === undefined) {
    return missingStatus(input, container, old, waitingReason);
  }
  const previous = previousOf(runtime, container.name);
  const lastState: ContainerState =
    previous === undefined ? (old?.lastState ?? {}) : { terminated: terminatedState(previous, knowledge) };
  const base = {
    name: container.name,
    restartCount: instance.notes.restartCount,
    image: instance.image.userSpecifiedImage ?? container.image ?? '',
    imageID: instance.imageRef,
    containerID: `${knowledge.runtimeName}://${instance.id}`,
    ...resourcesOf(container),
    ...volumeMountsOf(container),
  };
  if (isAlive(instance) && !knowledge.isStarting(container.name)) {
    const { hasStarted, isReady } = knowledge.readiness(instance);
    return {
      ...base,
      state: { running: { startedAt: formatTime(instance.startedAtMs ?? instance.createdAtMs) } },
      lastState,
      ready: isReady && roleOf(pod, container.name) !== 'init' && roleOf(pod, container.name) !== 'ephemeral',
      ...startedOf(hasStarted, pod, container.name),
      ...userOf(instance),
      ...stopSignalOf(container),
    };
  }
  if (old !== undefined && input.stage === 'running' && knowledge.isReplaced(container.name)) {
    return old;
  }
  const waiting = knowledge.waitingReason(container.name);
  if (instance.state !== 'exited') {
    return {
      ...base,
      ready: false,
      started: false,
      lastState,
      state: { waiting: waiting ?? { reason: waitingReason } },
    };
  }
  const terminated = terminatedState(instance, knowledge);
  const isRestarted = input.stage === 'running' && mayRestart(pod, container.name, terminated.exitCode);
  if (isRestarted && waiting !== undefined) {
    return { ...base, ready: false, started: false, state: { waiting }, lastState: { terminated } };
  }
  return {
    ...base,
    state: { terminated },
    lastState,
    // A finished init container counts as ready: that is how the Initialized condition is told.
    ready: roleOf(pod, container.name) === 'init' && terminated.exitCode === 0,
    started: false,
  };
}

/** The runtime has nothing of this container: not yet, or no longer. */
function missingStatus(
  { pod, knowledge, stage }: StatusesInput,
  container: AnyContainer,
  old: ContainerStatus | undefined,
  waitingReason: string,
): ContainerStatus {
  const isFinishedInit = old?.state.terminated?.exitCode === 0 && roleOf(pod, container.name) === 'init';
  if (old !== undefined && (isFinishedInit || (stage !== 'running' && old.state.terminated !== undefined))) {
    return old;
  }
  const base = {
    name: container.name,
    ready: false,
    started: false,
    restartCount: old?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: '',
    ...volumeMountsOf(container),
  };
  if (old?.state.running !== undefined) {
    const terminated: ContainerStateTerminated = {
      exitCode: EXIT_CODE_UNKNOWN,
      reason: 'ContainerStatusUnknown',
      message:
        'The container could not be located when the pod was terminated. The container used to be Running',
    };
    const isRestarted = stage === 'running' && mayRestart(pod, container.name, EXIT_CODE_UNKNOWN);
    return isRestarted
      ? {
          ...base,
          restartCount: base.restartCount + 1,
          state: { waiting: knowledge.waitingReason(container.name) ?? { reason: waitingReason } },
          lastState: { terminated },
        }
      : { ...base, state: { terminated }, lastState: old.lastState };
  }
  if (stage === 'stopped' && old !== undefined && mayHaveRun(pod, container.name)) {
    const terminated: ContainerStateTerminated = {
      exitCode: EXIT_CODE_UNKNOWN,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
    };
    return { ...base, state: { terminated }, lastState: old.lastState };
  }
  return {
    ...base,
    state: { waiting: knowledge.waitingReason(container.name) ?? { reason: waitingReason } },
    lastState: old?.lastState ?? {},
  };
}

function terminatedState(
  instance: ContainerInstance,
  knowledge: ContainerKnowledge,
): ContainerStateTerminated {
  const message = knowledge.endMessage(instance);
  const finishedAtMs = instance.finishedAtMs ?? instance.createdAtMs;
  return {
    exitCode: instance.exitCode ?? EXIT_CODE_UNKNOWN,
    ...(instance.reason === '' ? {} : { reason: instance.reason }),
    ...(message === '' ? {} : { message }),
    // A container that never started has the time of the Unix epoch here, as upstream's does.
    startedAt: formatTime(instance.startedAtMs ?? 0),
    finishedAt: formatTime(finishedAtMs),
    containerID: `${knowledge.runtimeName}://${instance.id}`,
  };
}

function startedOf(
  hasStarted: boolean,
  pod: Pod,
  name: string,
): { readonly started: boolean } | Record<string, never> {
  return roleOf(pod, name) === 'ephemeral' ? {} : { started: hasStarted };
}

function resourcesOf({ resources }: AnyContainer): Partial<ContainerStatus> {
  const hasAny = resources.limits !== undefined || resources.requests !== undefined;
  return {
    ...(resources.requests === undefined ? {} : { allocatedResources: resources.requests }),
    ...(hasAny ? { resources } : { resources: {} }),
  };
}

function volumeMountsOf({ volumeMounts }: AnyContainer): Partial<ContainerStatus> {
  if (volumeMounts === undefined || volumeMounts.length === 0) {
    return {};
  }
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
    })),
  };
}

function userOf({ user }: ContainerInstance): Partial<ContainerStatus> {
  return user === undefined ? {} : { user: { linux: user } };
}

function stopSignalOf({ lifecycle }: Pick<Container, 'lifecycle'>): { readonly stopSignal?: Signal } {
  return lifecycle?.stopSignal === undefined ? {} : { stopSignal: lifecycle.stopSignal };
}
