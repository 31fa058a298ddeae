import { parseTime } from '#api/time.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { isPodTerminal } from '../pods/pod-state.ts';

/** Finished pods kept in the cluster; the oldest beyond are deleted. */
const TERMINATED_PODS_MAX = 12_500;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

export interface Doomed {
  readonly pod: Pod;
  readonly why: 'terminated' | 'unscheduled' | 'out-of-service' | 'orphaned';
}

/** The pods that nobody else will ever remove. Those of missing nodes are given apart; see {@link orphanedPods}. */
export function planPodGc(
  pods: readonly Pod[],
  nodes: ReadonlyMap<string, Node>,
  terminatedPodsMax: number = TERMINATED_PODS_MAX,
): readonly Doomed[] {
  const doomed: Doomed[] = [];
  for (const pod of pods) {
    const nodeName = pod.spec.nodeName ?? '';
    const isGoing = pod.metadata.deletionTimestamp !== undefined;
    const node = nodes.get(nodeName);
    if (isGoing && nodeName === '') {
      doomed.push({ pod, why: 'unscheduled' });
    } else if (isGoing && node !== undefined && isOutOfService(node)) {
      doomed.push({ pod, why: 'out-of-service' });
    }
  }
  const finished = pods.filter((pod) => isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined);
  const excess = finished.length - terminatedPodsMax;
  if (excess > 0) {
    const oldest = finished.toSorted((left, right) => createdMs(left) - createdMs(right));
    doomed.push(...oldest.slice(0, excess).map((pod) => ({ pod, why: 'terminated' }) as const));
  }
  return doomed;
}

/** Pods bound to nodes that the local copy does not have. */
export function orphanedPods(pods: readonly Pod[], nodes: ReadonlyMap<string, Node>): readonly Pod[] {
  return pods.filter(({ spec }) => (spec.nodeName ?? '') !== '' && !nodes.has(spec.nodeName ?? ''));
}

function isOutOfService({ spec, status }: Node): boolean {
  const isReady =
    status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
  return !isReady && spec.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true;
}

function createdMs({ metadata }: Pod): number {
  return parseTime(metadata.creationTimestamp) ?? 0;
}
