import { formatTime } from '#api/time.ts';
import type { Node, NodeCondition, Taint } from '#api/types/core.v1.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';

/** Conditions whose truth nobody knows once the kubelet is silent. */
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

/** Taints that keep new pods away, by the condition and the status that call for them. */
const NO_SCHEDULE: readonly { readonly type: string; readonly status: string; readonly key: string }[] = [
  { type: 'Ready', status: 'False', key: NOT_READY },
  { type: 'Ready', status: 'Unknown', key: UNREACHABLE },
  { type: 'MemoryPressure', status: 'True', key: 'node.kubernetes.io/memory-pressure' },
  { type: 'DiskPressure', status: 'True', key: 'node.kubernetes.io/disk-pressure' },
  { type: 'PIDPressure', status: 'True', key: 'node.kubernetes.io/pid-pressure' },
  { type: 'NetworkUnavailable', status: 'True', key: 'node.kubernetes.io/network-unavailable' },
];
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const OUR_NO_SCHEDULE: ReadonlySet<string> = new Set([...NO_SCHEDULE.map(({ key }) => key), UNSCHEDULABLE]);
const OUR_NO_EXECUTE: ReadonlySet<string> = new Set([NOT_READY, UNREACHABLE]);

export function nodeCondition({ status }: Node, type: string): NodeCondition | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

export function isNodeReady(node: Node): boolean {
  return nodeCondition(node, 'Ready')?.status === 'True';
}

/** Changes with every sign of life that a kubelet writes into the node itself. */
export function heartbeatOf(node: Node): string {
  return (node.status.conditions ?? [])
    .map(({ type, lastHeartbeatTime }) => `${type}=${lastHeartbeatTime}`)
    .join();
}

/** The conditions of a node whose kubelet has been silent for too long; undefined when they say so already. */
export function silentConditions(node: Node, nowMs: number): readonly NodeCondition[] | undefined {
  const current = node.status.conditions ?? [];
  const now = formatTime(nowMs);
  const changed = REPORTED.map((type): NodeCondition => {
    const before = current.find((condition) => condition.type === type);
    if (before === undefined) {
      const message = 'Kubelet never posted node status.';
      const since = node.metadata.creationTimestamp;
      return {
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message,
        lastHeartbeatTime: since,
        lastTransitionTime: now,
      };
    }
    const message = 'Kubelet stopped posting node status.';
    return before.status === 'Unknown'
      ? before
      : { ...before, status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime: now };
  });
  const others = current.filter(({ type }) => !REPORTED.some((reported) => reported === type));
  return changed.every((condition) => current.includes(condition)) ? undefined : [...changed, ...others];
}

/** The taints that the node's conditions call for, beside those that others put there. */
export function taintsFor(node: Node, mayEvict: boolean, nowMs: number): readonly Taint[] {
  const { taints: current = [], unschedulable = false } = node.spec;
  const wanted: Taint[] = NO_SCHEDULE.filter(
    ({ type, status }) => nodeCondition(node, type)?.status === status,
  ).map(({ key }) => ({ key, effect: 'NoSchedule' }));
  if (unschedulable) {
    wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  }
  const evicting = evictionTaint(node);
  if (evicting !== undefined && mayEvict) {
    wanted.push({ key: evicting, effect: 'NoExecute' });
  }
  const kept = current.filter((taint) => !isOurs(taint) || wanted.some((other) => isSameTaint(taint, other)));
  const added = wanted.filter((taint) => !current.some((other) => isSameTaint(taint, other)));
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: formatTime(nowMs) }))];
}

/** The key of the taint that drives pods away, when the node's state calls for one. */
export function evictionTaint(node: Node): string | undefined {
  const status = nodeCondition(node, 'Ready')?.status;
  return status === 'False' ? NOT_READY : status === 'Unknown' ? UNREACHABLE : undefined;
}

export function isSameTaint(left: Taint, right: Taint): boolean {
  return left.key === right.key && left.effect === right.effect;
}

function isOurs({ key, effect }: Taint): boolean {
  return effect === 'NoSchedule'
    ? OUR_NO_SCHEDULE.has(key)
    : effect === 'NoExecute' && OUR_NO_EXECUTE.has(key);
}
