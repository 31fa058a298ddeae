import type { Container, ContainerStatus, Pod } from '#api/types/core.v1.ts';
import { AGE, ageText, NONE, orNone, printer } from './printer.ts';

const READY_GATES = { name: 'Readiness Gates', isWide: true, cell: readinessGates };

/** `kubectl get pods`. */
export const POD_PRINTER = printer<Pod>([
  {
    name: 'Ready',
    cell: ({ spec, status }) =>
      `${readyCount(status.containerStatuses ?? [], sidecars({ spec, status }))}/${spec.containers.length + sidecars({ spec, status }).total}`,
  },
  { name: 'Status', cell: podReason },
  { name: 'Restarts', cell: restarts },
  AGE,
  { name: 'IP', isWide: true, cell: ({ status }) => orNone(status.podIPs?.[0]?.ip ?? status.podIP) },
  { name: 'Node', isWide: true, cell: ({ spec }) => orNone(spec.nodeName) },
  { name: 'Nominated Node', isWide: true, cell: ({ status }) => orNone(status.nominatedNodeName) },
  READY_GATES,
]);

type PodParts = Pick<Pod, 'spec' | 'status'>;

/** Init containers that keep running count like the others. */
function sidecars({ spec, status }: PodParts): { readonly total: number; readonly ready: number } {
  const names = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const ready = (status.initContainerStatuses ?? []).filter(
    (one) => names.has(one.name) && one.ready && one.started === true,
  );
  return { total: names.size, ready: ready.length };
}

function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}

function readyCount(statuses: readonly ContainerStatus[], { ready }: { readonly ready: number }): number {
  return statuses.filter((status) => status.ready && status.state?.running !== undefined).length + ready;
}

function restarts({ spec, status }: Pod, nowMs: number): string {
  const names = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const init = status.initContainerStatuses ?? [];
  const isInitializing = isStillInitializing({ spec, status });
  const counted = isInitializing
    ? init
    : [...(status.containerStatuses ?? []), ...init.filter(({ name }) => names.has(name))];
  const count = counted.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const finished = counted.flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? []).toSorted();
  const last = finished.at(-1);
  return count > 0 && last !== undefined ? `${count} (${ageText(last, nowMs)} ago)` : String(count);
}

function isStillInitializing({ spec, status }: PodParts): boolean {
  return initReason({ spec, status }) !== undefined;
}

/** The one word that says how a pod is doing; worked out from everything its status tells. */
export function podReason({ metadata, spec, status }: Pod): string {
  const isScheduled = !(status.conditions ?? []).some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  let reason = status.reason !== undefined && status.reason !== '' ? status.reason : (status.phase ?? '');
  if (!isScheduled) {
    reason = 'SchedulingGated';
  }
  const init = initReason({ spec, status });
  reason = init ?? containersReason(status.containerStatuses ?? [], reason, status);
  if (metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') {
      return 'Unknown';
    }
    return status.phase === 'Succeeded' || status.phase === 'Failed' ? reason : 'Terminating';
  }
  return reason;
}

/** What holds up the init containers; undefined once they are through. */
function initReason({ spec, status }: PodParts): string | undefined {
  const containers = new Map((spec.initContainers ?? []).map((container) => [container.name, container]));
  for (const [index, one] of (status.initContainerStatuses ?? []).entries()) {
    const { state } = one;
    const container = containers.get(one.name);
    if (
      state.terminated?.exitCode === 0 ||
      (container !== undefined && isSidecar(container) && one.started === true)
    ) {
      continue;
    }
    if (state.terminated !== undefined) {
      const { reason = '', signal = 0, exitCode } = state.terminated;
      return `Init:${reason !== '' ? reason : signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`}`;
    }
    const waiting = state.waiting?.reason ?? '';
    if (waiting !== '' && waiting !== 'PodInitializing') {
      return `Init:${waiting}`;
    }
    return `Init:${index}/${containers.size}`;
  }
  return undefined;
}

function containersReason(
  statuses: readonly ContainerStatus[],
  phaseReason: string,
  status: Pod['status'],
): string {
  let reason = phaseReason;
  let isRunning = false;
  for (const { state, ready } of statuses.toReversed()) {
    const waiting = state.waiting?.reason ?? '';
    if (waiting !== '') {
      reason = waiting;
    } else if (state.terminated !== undefined) {
      const { reason: ended = '', signal = 0, exitCode } = state.terminated;
      reason = ended !== '' ? ended : signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`;
    } else if (ready && state.running !== undefined) {
      isRunning = true;
    }
  }
  if (reason === 'Completed' && isRunning) {
    const isReady = (status.conditions ?? []).some(
      ({ type, status: value }) => type === 'Ready' && value === 'True',
    );
    return isReady ? 'Running' : 'NotReady';
  }
  return reason;
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) {
    return NONE;
  }
  const passed = gates.filter(({ conditionType }) =>
    (status.conditions ?? []).some(({ type, status: value }) => type === conditionType && value === 'True'),
  );
  return `${passed.length}/${gates.length}`;
}
