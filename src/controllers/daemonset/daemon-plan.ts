import { scaledValue } from '#api/int-or-string.ts';
import { parseTime } from '#api/time.ts';
import type { DaemonSet, DaemonSetStatus } from '#api/types/apps.v1.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { isPodAvailable, isPodReady } from '../pods/pod-state.ts';
import { nodeOf, REVISION_HASH } from './daemon-pod.ts';
import { chooseNode } from './node-choice.ts';

export interface DaemonPlan {
  /** Nodes to start a pod for. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Pods among `remove` that ended by themselves, with the node each was on. */
  readonly ended: readonly { readonly pod: Pod; readonly nodeName: string }[];
  readonly status: DaemonSetStatus;
}

export interface DaemonInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** Every pod of the set, terminating ones included. */
  readonly pods: readonly Pod[];
  /** What marks pods of the current template. */
  readonly hash: string;
  readonly nowMs: number;
}

interface NodePods {
  readonly name: string;
  readonly shouldRun: boolean;
  readonly mayContinue: boolean;
  /** Oldest first. */
  readonly pods: readonly Pod[];
}

/** Decides which nodes get a pod and which pods go: those too many, those ended, those of an old template. */
export function planDaemons(input: DaemonInput): DaemonPlan {
  const nodes = groupByNode(input);
  const create: string[] = [];
  const remove: Pod[] = [];
  const ended: { pod: Pod; nodeName: string }[] = [];
  for (const node of nodes) {
    const decision = manageNode(node, input);
    create.push(...decision.create);
    remove.push(...decision.remove);
    ended.push(...decision.ended.map((pod) => ({ pod, nodeName: node.name })));
  }
  if (input.set.spec.updateStrategy.type !== 'OnDelete') {
    const update = planUpdate(nodes, input);
    create.push(...update.create.filter((name) => !create.includes(name)));
    remove.push(...update.remove.filter((pod) => !remove.includes(pod)));
  }
  return {
    create,
    remove: [...remove, ...ended.map(({ pod }) => pod)],
    ended,
    status: statusOf(nodes, input),
  };
}

function groupByNode({ set, nodes, pods }: DaemonInput): readonly NodePods[] {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = nodeOf(pod) ?? '';
    byNode.set(name, [...(byNode.get(name) ?? []), pod]);
  }
  const known = nodes.map((node) => ({
    name: node.metadata.name,
    ...chooseNode(set.spec.template, node),
    pods: (byNode.get(node.metadata.name) ?? []).sort(oldestFirst),
  }));
  const names = new Set(known.map(({ name }) => name));
  // Pods that wait for a node that is gone would wait for ever; those that were bound are the collector's.
  const stranded = [...byNode]
    .filter(([name]) => !names.has(name))
    .map(([name, left]) => ({
      name,
      shouldRun: false,
      mayContinue: false,
      pods: left.filter(({ spec }) => (spec.nodeName ?? '') === ''),
    }));
  return [...known, ...stranded];
}

function manageNode(
  node: NodePods,
  { set, hash, nowMs }: DaemonInput,
): { create: readonly string[]; remove: readonly Pod[]; ended: readonly Pod[] } {
  const { name, shouldRun, mayContinue } = node;
  const live = node.pods.filter(isLive);
  if (!mayContinue) {
    return { create: [], remove: live, ended: [] };
  }
  const ended = live.filter(({ status }) => status.phase === 'Failed' || status.phase === 'Succeeded');
  const running = live.filter((pod) => !ended.includes(pod));
  if (node.pods.length === 0) {
    return { create: shouldRun ? [name] : [], remove: [], ended };
  }
  if (maxSurge(set, 1) === 0) {
    return { create: [], remove: running.slice(1), ended };
  }
  const newest = running.filter((pod) => isOfRevision(pod, hash));
  const old = running.filter((pod) => !isOfRevision(pod, hash));
  const isReplaced =
    newest[0] !== undefined && isPodAvailable(newest[0], set.spec.minReadySeconds ?? 0, nowMs);
  return { create: [], remove: [...newest.slice(1), ...old.slice(isReplaced ? 0 : 1)], ended };
}

/** The next step of a rolling update: old pods that may go now, or nodes that get a new pod beside the old one. */
function planUpdate(
  nodes: readonly NodePods[],
  input: DaemonInput,
): { readonly create: readonly string[]; readonly remove: readonly Pod[] } {
  const { set, hash, nowMs } = input;
  const desired = nodes.filter(({ shouldRun }) => shouldRun).length;
  const surge = maxSurge(set, desired);
  const isAvailable = (pod: Pod): boolean => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
  const broken: Pod[] = [];
  const candidates: { readonly pod: Pod; readonly name: string }[] = [];
  let unavailable = 0;
  let surging = 0;
  for (const { name, pods, shouldRun } of nodes.filter(({ mayContinue }) => mayContinue)) {
    const current = pods.find((pod) => isOfRevision(pod, hash));
    const old = pods.find((pod) => !isOfRevision(pod, hash));
    if (current !== undefined) {
      unavailable += isLive(current) && isAvailable(current) ? 0 : 1;
      surging += old === undefined ? 0 : 1;
    } else if (old === undefined) {
      unavailable += shouldRun ? 1 : 0;
    } else if (!isLive(old)) {
      unavailable += 1;
    } else if (!isAvailable(old)) {
      unavailable += 1;
      broken.push(old);
    } else {
      candidates.push({ pod: old, name });
    }
  }
  if (surge > 0) {
    const names = candidates.slice(0, Math.max(surge - surging, 0)).map(({ name }) => name);
    return { create: names, remove: broken };
  }
  const allowed = Math.max(maxUnavailable(set, desired) - unavailable, 0);
  return { create: [], remove: [...broken, ...candidates.slice(0, allowed).map(({ pod }) => pod)] };
}

function statusOf(nodes: readonly NodePods[], { set, hash, nowMs }: DaemonInput): DaemonSetStatus {
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const { shouldRun, pods } of nodes) {
    if (!shouldRun) {
      counts.misscheduled += pods.length > 0 ? 1 : 0;
      continue;
    }
    counts.desired += 1;
    const [pod] = pods;
    if (pod !== undefined) {
      counts.current += 1;
      counts.ready += isPodReady(pod) ? 1 : 0;
      counts.available += isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs) ? 1 : 0;
      counts.updated += isOfRevision(pod, hash) ? 1 : 0;
    }
  }
  const { conditions, collisionCount } = set.status;
  return {
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    observedGeneration: set.metadata.generation ?? 0,
    updatedNumberScheduled: counts.updated,
    numberAvailable: counts.available,
    numberUnavailable: counts.desired - counts.available,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}

function maxSurge({ spec }: DaemonSet, desired: number): number {
  return scaledValue(spec.updateStrategy.rollingUpdate?.maxSurge ?? 0, desired, 'up') ?? 0;
}

/** Without a surge at least one pod may be missing, or nothing could move. */
function maxUnavailable(set: DaemonSet, desired: number): number {
  return Math.max(
    scaledValue(set.spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 1, desired, 'up') ?? 1,
    1,
  );
}

function isOfRevision({ metadata }: Pod, hash: string): boolean {
  return metadata.labels?.[REVISION_HASH] === hash;
}

function isLive({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined;
}

function oldestFirst(left: Pod, right: Pod): number {
  return (
    (parseTime(left.metadata.creationTimestamp) ?? 0) - (parseTime(right.metadata.creationTimestamp) ?? 0)
  );
}
