import type { ContainerStatus, Pod, PodCondition, PodPhase } from '#api/types/core.v1.ts';
import { isSidecar } from '../pod/pod-containers.ts';
import { formatTime } from '#api/time.ts';
import type { ContainerStatuses } from './pod-phase.ts';

/** A condition before it has a time. */
type Verdict = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

export interface ConditionsInput {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly statuses: ContainerStatuses;
  /** The sandbox is there and has its network. */
  readonly isSandboxReady: boolean;
  readonly nowMs: number;
}

/** The kubelet's conditions; those of others (readiness gates, disruption) are left to their owners. */
export function podConditions(input: ConditionsInput): readonly PodCondition[] {
  const containersReady = containersReadyCondition(input);
  const verdicts: readonly Verdict[] = [
    { type: 'PodReadyToStartContainers', status: input.isSandboxReady ? 'True' : 'False' },
    initializedCondition(input),
    readyCondition(input.pod, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  return verdicts.map((verdict) => dated(verdict, input));
}

/** Keeps the time of the last transition while the status stays the same. */
function dated(verdict: Verdict, { pod, nowMs }: ConditionsInput): PodCondition {
  const old = pod.status.conditions?.find(({ type }) => type === verdict.type);
  const isSame = old?.status === verdict.status && old.lastTransitionTime !== undefined;
  const { generation } = pod.metadata;
  return {
    ...verdict,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: isSame ? (old.lastTransitionTime ?? formatTime(nowMs)) : formatTime(nowMs),
  };
}

function initializedCondition({ pod, phase, statuses }: ConditionsInput): Verdict {
  const type = 'Initialized';
  const incomplete = (pod.spec.initContainers ?? [])
    .filter((container) => {
      const status = statuses.init.find(({ name }) => name === container.name);
      return isSidecar(container) ? status?.started !== true : status?.ready !== true;
    })
    .map(({ name }) => name);
  if (phase === 'Succeeded') {
    return { type, status: 'True', reason: 'PodCompleted' };
  }
  const hasAppStarted = statuses.app.some(
    ({ state, lastState }) =>
      state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined,
  );
  return incomplete.length === 0 || hasAppStarted
    ? { type, status: 'True' }
    : {
        type,
        status: 'False',
        reason: 'ContainersNotInitialized',
        message: `containers with incomplete status: ${goList(incomplete)}`,
      };
}

function containersReadyCondition({ pod, phase, statuses }: ConditionsInput): Verdict {
  const type = 'ContainersReady';
  if (phase === 'Succeeded' || phase === 'Failed') {
    return { type, status: 'False', reason: phase === 'Failed' ? 'PodFailed' : 'PodCompleted' };
  }
  const unready = [
    ...(pod.spec.initContainers ?? []).filter(isSidecar).filter(({ name }) => !isReady(statuses.init, name)),
    ...pod.spec.containers.filter(({ name }) => !isReady(statuses.app, name)),
  ].map(({ name }) => name);
  return unready.length === 0
    ? { type, status: 'True' }
    : {
        type,
        status: 'False',
        reason: 'ContainersNotReady',
        message: `containers with unready status: ${goList(unready)}`,
      };
}

function readyCondition(pod: Pod, containersReady: Verdict): Verdict {
  const type = 'Ready';
  if (containersReady.status !== 'True') {
    return { ...containersReady, type };
  }
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status.conditions?.find(({ type: other }) => other === conditionType);
    if (condition === undefined) {
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    }
    return condition.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  return problems.length === 0
    ? { type, status: 'True' }
    : { type, status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

function isReady(statuses: readonly ContainerStatus[], name: string): boolean {
  return statuses.some((status) => status.name === name && status.ready);
}

function goList(names: readonly string[]): string {
  return `[${names.join(' ')}]`;
}
