import type { Pod, Taint } from '#api/types/core.v1.ts';
import type { PodContext } from '../framework/plugin.ts';
import type { Rejection } from '../framework/rejection.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import type { PodShape } from '../state/pod-shape.ts';
import { CPU, EPHEMERAL_STORAGE, MEMORY, type ResourceId } from '../state/resource-ids.ts';
import { untoleratedTaint } from '../state/taints.ts';
import type { RejectedNodes } from './decision-log.ts';

/** A change that would let the pod onto some nodes, as far as one cause goes. */
export interface Advice {
  readonly plugin: string;
  /** How many nodes the cause keeps out. */
  readonly nodeCount: number;
  /** One sentence in plain words. */
  readonly text: string;
}

interface Case {
  readonly pod: Pod;
  readonly shape: PodShape;
  readonly state: ClusterState;
  readonly group: RejectedNodes;
  /** The nodes that the plugin keeps out. */
  readonly rows: readonly number[];
}

type Adviser = (given: Case) => string;

const ADVISERS: Readonly<Record<string, Adviser>> = {
  NodeUnschedulable: ({ group }) => `Uncordon a node: kubectl uncordon ${group.examples[0] ?? 'NODE'}`,
  TaintToleration: adviseOnTaint,
  NodeAffinity: ({ pod }) => adviseOnAffinity(pod),
  NodeName: ({ pod }) => `The pod names the node ${pod.spec.nodeName ?? ''}, which is not there.`,
  NodePorts: () => 'Free the host port on a node, or drop hostPort from the pod and use a Service.',
  NodeResourcesFit: adviseOnResources,
  PodTopologySpread: () =>
    'Add nodes in the domains with the fewest pods, raise maxSkew, or use whenUnsatisfiable: ScheduleAnyway.',
  InterPodAffinity: ({ group }) => adviseOnPods(group.reasons),
  VolumeBinding: () => 'Look at the claims of the pod: kubectl describe pvc. They must be bound first.',
  VolumeZone: () => 'Add a node in the zone of the volume.',
  NodeVolumeLimits: () => 'Add a node: the ones there hold as many volumes as their drivers allow.',
};

/** What would help a pod that no node takes, per cause, the one that keeps out most nodes first. */
export function adviceFor(
  { pod, shape, state }: PodContext,
  rejections: readonly (Rejection | undefined)[],
  rejected: readonly RejectedNodes[],
): readonly Advice[] {
  if (state.nodes.nodeCount === 0) {
    return [{ plugin: '', nodeCount: 0, text: 'There are no nodes. Start one.' }];
  }
  const byPlugin = new Map<string, Advice>();
  for (const group of rejected) {
    if (byPlugin.has(group.plugin)) {
      continue;
    }
    const rows = rejections.flatMap((rejection, row) => (rejection?.plugin === group.plugin ? [row] : []));
    const text = ADVISERS[group.plugin]?.({ pod, shape, state, group, rows }) ?? group.reasons.join('; ');
    byPlugin.set(group.plugin, { plugin: group.plugin, nodeCount: rows.length, text });
  }
  return [...byPlugin.values()].sort((left, right) => right.nodeCount - left.nodeCount);
}

function adviseOnTaint({ shape: { tolerations }, state: { nodes }, group: { examples } }: Case): string {
  const row = nodes.rowOf(examples[0] ?? '') ?? -1;
  const taint = untoleratedTaint(nodes.nodes[row]?.spec.taints ?? [], tolerations);
  return taint === undefined
    ? 'Add a toleration to the pod.'
    : `Add a toleration for ${taintText(taint)} to the pod, or remove the taint: ` +
        `kubectl taint nodes ${examples[0] ?? 'NODE'} ${taint.key}:${taint.effect}-`;
}

function taintText({ key, value = '', effect }: Taint): string {
  return `${key}${value === '' ? '' : `=${value}`}:${effect}`;
}

function adviseOnAffinity({ spec: { nodeSelector } }: Pod): string {
  const [wanted] = Object.entries(nodeSelector ?? {});
  return wanted === undefined
    ? 'Label a node so that it matches the required node affinity of the pod.'
    : `Label a node with ${wanted[0]}=${wanted[1]}: kubectl label node NODE ${wanted[0]}=${wanted[1]}`;
}

function adviseOnResources({ shape: { demands }, state: { nodes }, rows }: Case): string {
  for (const { resource, amount } of demands) {
    const { allocatable, requested } = nodes.column(resource);
    const largest = Math.max(...rows.map((row) => allocatable[row] ?? 0));
    const freest = Math.max(...rows.map((row) => (allocatable[row] ?? 0) - (requested[row] ?? 0)));
    const asked = `The pod requests ${amountText(resource, amount)} of ${nodes.resources.nameOf(resource)}`;
    if (amount > largest) {
      return `${asked}; the largest of these nodes has ${amountText(resource, largest)} in all. Request less, or add a larger node.`;
    }
    if (amount > freest) {
      return `${asked}; the most that one of these nodes has left is ${amountText(resource, freest)}. Request less, remove pods, or add a node.`;
    }
  }
  return 'No one node has enough of everything at once. Request less, remove pods, or add a node.';
}

const MIB = 1024 * 1024;

function amountText(resource: ResourceId, amount: number): string {
  if (resource === CPU) {
    return `${amount}m`;
  }
  return resource === MEMORY || resource === EPHEMERAL_STORAGE
    ? `${Math.round((amount / MIB) * 10) / 10} MiB`
    : String(amount);
}

function adviseOnPods(reasons: readonly string[]): string {
  if (reasons.some((reason) => reason.includes("didn't match pod affinity"))) {
    return 'The pod must run near pods that are nowhere it could go. Start those first, or make the affinity preferred.';
  }
  return 'Every domain holds a pod that this one must keep away from. Add nodes, or make the anti-affinity preferred.';
}
