import { formatTime, parseDurationMs, parseTime } from '#api/time.ts';
import type { ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '#api/types/core.v1.ts';
import { isSidecar, type AnyContainer } from '../pod/pod-containers.ts';
import { qosClassOf } from '../resources/qos.ts';

/** Where a simulated pod is played. */
export interface StageContext {
  readonly nowMs: number;
  readonly hostIp: string;
  readonly podIp: string;
}

/** What comes next in the life of a simulated pod. */
export type StageStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'delete' }
  | { readonly kind: 'status'; readonly delayMs: number; readonly next: 'running' | 'ready' | 'ended' };

/** How long the pod runs before it ends by itself, as a Go duration. The name is the kwok project's. */
const RUN_FOR_ANNOTATION = 'pod-complete.stage.kwok.x-k8s.io/delay';
/** How long a bound pod stays pending. */
const START_DELAY_ANNOTATION = 'pod-ready.stage.kwok.x-k8s.io/delay';
/** With which exit code the pod's containers end. */
const EXIT_CODE_ANNOTATION = 'sim.coracle.dev/exit-code';
/** A Job's pods end by themselves after this time. */
const JOB_RUN_FOR_MS = 1_000;
const RUNTIME = 'sim';
/** 128 + SIGKILL. */
const KILLED_EXIT_CODE = 137;

/** Decides by the object alone, so that a restart goes on where the last one stopped. */
export function nextStage(pod: Pod, nowMs: number): StageStep {
  const { metadata, status } = pod;
  if (metadata.deletionTimestamp !== undefined) {
    return { kind: 'delete' };
  }
  if (status.phase === undefined || status.phase === 'Pending') {
    return { kind: 'status', delayMs: annotatedMs(pod, START_DELAY_ANNOTATION) ?? 0, next: 'running' };
  }
  if (status.phase !== 'Running') {
    return { kind: 'none' };
  }
  if (isMarkedUnready(pod)) {
    return { kind: 'status', delayMs: 0, next: 'ready' };
  }
  const isJobs = metadata.ownerReferences?.some(({ kind }) => kind === 'Job') === true;
  const runForMs = annotatedMs(pod, RUN_FOR_ANNOTATION) ?? (isJobs ? JOB_RUN_FOR_MS : undefined);
  if (runForMs === undefined || (pod.spec.restartPolicy ?? 'Always') === 'Always') {
    return { kind: 'none' };
  }
  const startedMs = parseTime(status.startTime ?? '') ?? nowMs;
  return { kind: 'status', delayMs: Math.max(startedMs + runForMs - nowMs, 0), next: 'ended' };
}

export function runningStatus(pod: Pod, { nowMs, hostIp, podIp }: StageContext): Partial<PodStatus> {
  const now = formatTime(nowMs);
  const ip = pod.spec.hostNetwork === true ? hostIp : podIp;
  const running: ContainerState = { running: { startedAt: now } };
  const done = endedState(0, now, now);
  const init = (pod.spec.initContainers ?? []).map((container) =>
    isSidecar(container)
      ? statusOf(pod, container, running, true)
      : { ...statusOf(pod, container, done, true), started: false },
  );
  return {
    ...observed(pod),
    phase: 'Running',
    conditions: conditions(pod, now, { isReady: true }),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    podIP: ip,
    podIPs: [{ ip }],
    startTime: pod.status.startTime ?? now,
    qosClass: qosClassOf(pod),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: pod.spec.containers.map((container) => statusOf(pod, container, running, true)),
  };
}

/** What runs here is ready: whoever says otherwise has not heard from the node for a while. */
export function readyStatus(pod: Pod, { nowMs }: Pick<StageContext, 'nowMs'>): Partial<PodStatus> {
  return { ...observed(pod), conditions: conditions(pod, formatTime(nowMs), { isReady: true }) };
}

function isMarkedUnready({ status }: Pod): boolean {
  const isReady = status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return !isReady && status.containerStatuses?.every(({ state }) => state?.running !== undefined) === true;
}

/** After the node came back: every container ended with it and runs anew, as its restart policy has it. */
export function restartedStatus(pod: Pod, context: StageContext): Partial<PodStatus> {
  if (pod.spec.restartPolicy === 'Never') {
    return endedStatus(pod, context, KILLED_EXIT_CODE);
  }
  const now = formatTime(context.nowMs);
  const before = new Map(pod.status.containerStatuses?.map((status) => [status.name, status]));
  const { containerStatuses = [], ...rest } = runningStatus(pod, context);
  return {
    ...rest,
    containerStatuses: containerStatuses.map((status) => {
      const old = before.get(status.name);
      const startedAt = old?.state?.running?.startedAt ?? now;
      return {
        ...status,
        restartCount: (old?.restartCount ?? 0) + 1,
        lastState: endedState(KILLED_EXIT_CODE, startedAt, now),
      };
    }),
  };
}

export function endedStatus(
  pod: Pod,
  { nowMs }: Pick<StageContext, 'nowMs'>,
  exitCode = Number(pod.metadata.annotations?.[EXIT_CODE_ANNOTATION] ?? 0),
): Partial<PodStatus> {
  const now = formatTime(nowMs);
  const reason = exitCode === 0 ? 'PodCompleted' : 'PodFailed';
  const ended = endedState(exitCode, pod.status.startTime ?? now, now);
  return {
    ...observed(pod),
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: conditions(pod, now, { isReady: false, reason }),
    containerStatuses: pod.spec.containers.map((container) => ({
      ...statusOf(pod, container, ended, false),
      started: false,
    })),
  };
}

function annotatedMs({ metadata }: Pod, name: string): number | undefined {
  const text = metadata.annotations?.[name];
  return text === undefined ? undefined : parseDurationMs(text);
}

function observed({ metadata }: Pod): Pick<PodStatus, 'observedGeneration'> {
  return metadata.generation === undefined ? {} : { observedGeneration: metadata.generation };
}

function endedState(exitCode: number, startedAt: string, finishedAt: string): ContainerState {
  return { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt, finishedAt } };
}

function statusOf(pod: Pod, container: AnyContainer, state: ContainerState, ready: boolean): ContainerStatus {
  const { name, image = '' } = container;
  return {
    name,
    state,
    lastState: {},
    ready,
    started: true,
    restartCount: 0,
    image,
    imageID: image,
    // The same container of the same pod always has the same id.
    containerID: `${RUNTIME}://${pod.metadata.uid}-${name}`,
  };
}

function conditions(
  { status, metadata }: Pod,
  now: string,
  { isReady, reason }: { readonly isReady: boolean; readonly reason?: string },
): readonly PodCondition[] {
  const old = status.conditions ?? [];
  const own = (type: string, isTrue: boolean, why?: string): PodCondition => {
    const value = isTrue ? 'True' : 'False';
    const before = old.find((condition) => condition.type === type);
    const since = before?.status === value ? (before.lastTransitionTime ?? now) : now;
    return {
      type,
      status: value,
      ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
      ...(why === undefined ? {} : { reason: why }),
      lastTransitionTime: since,
    };
  };
  const list = [
    own('PodReadyToStartContainers', isReady),
    own('Initialized', true, reason === 'PodCompleted' ? reason : undefined),
    own('Ready', isReady, reason),
    own('ContainersReady', isReady, reason),
    own('PodScheduled', true),
  ];
  return [...list, ...old.filter(({ type }) => !list.some((condition) => condition.type === type))];
}
