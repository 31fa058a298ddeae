import type { Container, EphemeralContainer, Pod } from '#api/types/core.v1.ts';
import { isSidecar, mayRestart, type AnyContainer } from './pod-containers.ts';
import { containerHash } from './runtime-labels.ts';
import { isAlive, latestOf, readySandbox, type ContainerInstance, type RuntimePod } from './runtime-pod.ts';

/** What the probes say of one running container. */
export interface ContainerHealth {
  /** Its startup probe, if it has one, has succeeded. */
  readonly hasStarted: boolean;
  readonly failedProbe: 'liveness' | 'startup' | undefined;
}

export interface PlanInput {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly health: (instance: ContainerInstance) => ContainerHealth;
}

export interface ContainerStop {
  readonly instance: ContainerInstance;
  /** For the event that tells of it. */
  readonly message: string;
}

export interface ContainerStart {
  readonly container: AnyContainer;
  readonly restartCount: number;
  /** The instance that ended before, whose end the back-off counts from. */
  readonly previous: ContainerInstance | undefined;
}

/** What to do next for a pod that should run. */
export interface PodPlan {
  /** The attempt number of a sandbox to make; nothing else can be done before. */
  readonly createSandbox: number | undefined;
  /** Alive, but in a sandbox that is no more, or not to live for another reason. */
  readonly stop: readonly ContainerStop[];
  /** In this order; one that has to wait for its back-off does not hold up the next. */
  readonly start: readonly ContainerStart[];
  /** Every container that matters has ended and none will be started again. */
  readonly isOver: boolean;
}

const NOTHING: PodPlan = { createSandbox: undefined, stop: [], start: [], isOver: false };

/** Compares the pod's spec with what runs, and writes nothing. */
export function planPod(input: PlanInput): PodPlan {
  const { pod, runtime } = input;
  const sandbox = readySandbox(runtime);
  if (sandbox === undefined) {
    return planSandbox(pod, runtime);
  }
  const here = runtime.containers.filter(({ podSandboxId }) => podSandboxId === sandbox.id);
  const strays = runtime.containers.filter(
    (instance) => instance.podSandboxId !== sandbox.id && isAlive(instance),
  );
  const stop: ContainerStop[] = strays.map((instance) => ({ instance, message: stoppingText(instance) }));
  const start: ContainerStart[] = planEphemeral(pod.spec.ephemeralContainers ?? [], runtime);

  const init = planInit(input, { sandboxes: runtime.sandboxes, containers: here });
  stop.push(...init.stop);
  start.push(...init.start);
  if (init.state === 'failed') {
    return { ...NOTHING, stop, isOver: true };
  }
  if (init.state === 'going') {
    return { ...NOTHING, stop, start };
  }

  let isAnyKept = false;
  for (const container of pod.spec.containers) {
    const last = latestOf(runtime, container.name);
    const step = planContainer(input, container, last, last);
    stop.push(...step.stop);
    start.push(...step.start);
    isAnyKept ||= step.isKept || step.start.length > 0;
  }
  return { ...NOTHING, stop, start: isAnyKept ? start : [], isOver: !isAnyKept };
}

function planSandbox(pod: Pod, runtime: RuntimePod): PodPlan {
  const stop = runtime.containers
    .filter(isAlive)
    .map((instance) => ({ instance, message: stoppingText(instance) }));
  const attempt = (runtime.sandboxes[0]?.metadata.attempt ?? -1) + 1;
  const isRerunForbidden =
    (pod.spec.restartPolicy ?? 'Always') === 'Never' && attempt > 0 && runtime.containers.length > 0;
  const isAnyWanted = pod.spec.containers.some(({ name }) => {
    const last = latestOf(runtime, name);
    return last?.exitCode === undefined || mayRestart(pod, name, last.exitCode);
  });
  return isRerunForbidden || !isAnyWanted
    ? { ...NOTHING, stop, isOver: true }
    : { ...NOTHING, stop, createSandbox: attempt };
}

interface InitStep {
  readonly state: 'going' | 'done' | 'failed';
  readonly stop: readonly ContainerStop[];
  readonly start: readonly ContainerStart[];
}

/** @param here the containers of the current sandbox alone: a new sandbox runs the init containers anew */
function planInit(input: PlanInput, here: RuntimePod): InitStep {
  const { pod } = input;
  const stop: ContainerStop[] = [];
  const start: ContainerStart[] = [];
  // Once an app container exists, the finished init containers may be cleaned away and must not run again.
  const isPast = pod.spec.containers.some(({ name }) => latestOf(here, name) !== undefined);
  for (const container of pod.spec.initContainers ?? []) {
    const last = latestOf(here, container.name);
    if (isSidecar(container)) {
      const step = planContainer(input, container, last, latestOf(input.runtime, container.name));
      stop.push(...step.stop);
      start.push(...step.start);
      const isUp = last !== undefined && isAlive(last) && input.health(last).hasStarted;
      if (!isUp && !isPast) {
        return { state: 'going', stop, start };
      }
      continue;
    }
    if (isPast || (last?.state === 'exited' && last.exitCode === 0)) {
      continue;
    }
    if (last?.state === 'exited' && !mayRestart(pod, container.name, last.exitCode ?? 0)) {
      return { state: 'failed', stop, start: [] };
    }
    const step = planContainer(input, container, last, latestOf(input.runtime, container.name));
    return { state: 'going', stop: [...stop, ...step.stop], start: [...start, ...step.start] };
  }
  return { state: 'done', stop, start };
}

interface ContainerStep {
  readonly stop: readonly ContainerStop[];
  readonly start: readonly ContainerStart[];
  readonly isKept: boolean;
}

/**
 * @param current the instance that counts, if any
 * @param last    the newest instance of all, from which the restart count goes on
 */
function planContainer(
  input: PlanInput,
  container: Container,
  current: ContainerInstance | undefined,
  last: ContainerInstance | undefined,
): ContainerStep {
  const { pod } = input;
  if (current !== undefined && isAlive(current)) {
    const why = reasonToStop(input, container, current);
    return {
      stop: why === undefined ? [] : [{ instance: current, message: why }],
      start: [],
      isKept: true,
    };
  }
  if (current?.state === 'exited' && !mayRestart(pod, container.name, current.exitCode ?? 0)) {
    return { stop: [], start: [], isKept: false };
  }
  const restartCount = last === undefined ? countToldOf(pod, container.name) : last.notes.restartCount + 1;
  return { stop: [], start: [{ container, restartCount, previous: last }], isKept: true };
}

/** The runtime lost the container, as after a reboot: its count goes on from what was told. */
function countToldOf({ status }: Pod, name: string): number {
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const told = statuses.find((candidate) => candidate.name === name);
  const hasRun = told?.state.running !== undefined || told?.state.terminated !== undefined;
  return (told?.restartCount ?? 0) + (hasRun ? 1 : 0);
}

function reasonToStop(
  input: PlanInput,
  container: Container,
  instance: ContainerInstance,
): string | undefined {
  const restart = mayRestart(input.pod, container.name, 137) ? ', will be restarted' : '';
  if (instance.state === 'unknown') {
    return `Container ${container.name} is in unknown state, try killing it before restart`;
  }
  if (instance.notes.hash !== '' && instance.notes.hash !== containerHash(container)) {
    return `Container ${container.name} definition changed${restart}`;
  }
  const { failedProbe } = input.health(instance);
  return failedProbe === undefined
    ? undefined
    : `Container ${container.name} failed ${failedProbe} probe${restart}`;
}

/** Each runs once, whatever becomes of it. */
function planEphemeral(containers: readonly EphemeralContainer[], runtime: RuntimePod): ContainerStart[] {
  return containers
    .filter(({ name }) => latestOf(runtime, name) === undefined)
    .map((container) => ({ container, restartCount: 0, previous: undefined }));
}

export function stoppingText({ notes }: ContainerInstance): string {
  return `Stopping container ${notes.name}`;
}
