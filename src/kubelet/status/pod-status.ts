import { formatTime } from '#api/time.ts';
import type { Pod, PodCondition, PodPhase, PodStatus } from '#api/types/core.v1.ts';
import { qosClassOf } from '../resources/qos.ts';
import { readySandbox, type RuntimePod } from '../pod/runtime-pod.ts';
import { containerStatuses, type ContainerKnowledge, type PodStage } from './container-statuses.ts';
import { podConditions } from './pod-conditions.ts';
import { podPhaseOf, type ContainerStatuses } from './pod-phase.ts';

/** Why a pod is ended by its node: `Evicted`, `DeadlineExceeded`, … */
export interface EndCause {
  readonly reason: string;
  readonly message: string;
  /** In place of the pod's own grace period. */
  readonly graceSeconds?: number;
}

export interface PodStatusInput {
  /** With the status that was last told, whether or not it has come back from the server. */
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly knowledge: ContainerKnowledge;
  readonly stage: PodStage;
  readonly cause: EndCause | undefined;
  readonly hostIps: readonly string[];
  readonly nowMs: number;
}

/** The part of a pod's status that its node owns. */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime, stage, cause, hostIps, nowMs } = input;
  const { status, metadata, spec } = pod;
  const isRejected = cause !== undefined && runtime.containers.length === 0 && stage === 'stopped';
  const statuses = isRejected ? NO_STATUSES : containerStatuses(input);
  const phase = phaseOf(input, statuses);
  const sandbox = readySandbox(runtime);
  const isHostNetwork = spec.hostNetwork === true;
  const isUp = sandbox !== undefined && (isHostNetwork || sandbox.network.ips.length > 0);
  const ips = isHostNetwork ? (isUp ? hostIps : []) : (sandbox?.network.ips ?? []);
  const podIps = ips.length > 0 ? ips : (status.podIPs ?? []).map(({ ip }) => ip);
  const isEnded = cause !== undefined && stage === 'stopped';
  const conditions = [
    ...podConditions({ pod, phase, statuses, isSandboxReady: isUp, nowMs }),
    ...disruption(pod, cause, nowMs),
  ];
  return {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase,
    conditions,
    ...(isEnded ? { reason: cause.reason, message: cause.message } : {}),
    ...(hostIps[0] === undefined ? {} : { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIps[0] === undefined ? {} : { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: status.startTime ?? formatTime(nowMs),
    ...listOf('initContainerStatuses', statuses.init),
    ...listOf('containerStatuses', statuses.app),
    ...listOf('ephemeralContainerStatuses', statuses.ephemeral),
    qosClass: qosClassOf(pod),
  };
}

/** Tells controllers that the pod did not fail by itself. */
function disruption({ status }: Pod, cause: EndCause | undefined, nowMs: number): readonly PodCondition[] {
  const type = 'DisruptionTarget';
  if (cause?.reason !== 'Evicted') {
    return [];
  }
  const since = status.conditions?.find((condition) => condition.type === type)?.lastTransitionTime;
  const { message } = cause;
  const lastTransitionTime = since ?? formatTime(nowMs);
  return [{ type, status: 'True', reason: 'TerminationByKubelet', message, lastTransitionTime }];
}

const NO_STATUSES: ContainerStatuses = { init: [], app: [], ephemeral: [] };

function phaseOf({ pod, stage, cause }: PodStatusInput, statuses: ContainerStatuses): PodPhase {
  if (stage === 'stopped' && cause !== undefined) {
    return 'Failed';
  }
  const phase = podPhaseOf(pod, statuses, stage === 'stopped');
  const isTerminal = phase === 'Succeeded' || phase === 'Failed';
  // The phase becomes terminal only when nothing of the pod runs any more: controllers count on it.
  if (isTerminal) {
    return stage === 'stopped' ? phase : (pod.status.phase ?? 'Running');
  }
  // What ended before it began has failed.
  return stage === 'stopped' ? 'Failed' : phase;
}

function listOf<K extends string, T>(key: K, list: readonly T[]): { readonly [key in K]?: readonly T[] } {
  // A computed key of a generic type is widened by the compiler.
  return (list.length === 0 ? {} : { [key]: list }) as { readonly [key in K]?: readonly T[] };
}

/** The status to go on from: what was told last over what the server has; conditions of others stay. */
export function overlayStatus(server: PodStatus, told: PodStatus | undefined): PodStatus {
  if (told === undefined) {
    return server;
  }
  return { ...server, ...told, conditions: mergeConditions(server.conditions ?? [], told.conditions ?? []) };
}

function mergeConditions(
  server: readonly PodCondition[],
  told: readonly PodCondition[],
): readonly PodCondition[] {
  return [...told, ...server.filter(({ type }) => !told.some((own) => own.type === type))];
}
