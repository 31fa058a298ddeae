import type {
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodSpec,
  PodTemplateSpec,
  Toleration,
} from '#api/types/core.v1.ts';
import { untolerated } from '../pods/tolerations.ts';

export interface NodeChoice {
  /** A pod should be started there. */
  readonly shouldRun: boolean;
  /** A pod that runs there already may go on. */
  readonly mayContinue: boolean;
}

/** Daemon pods run through the troubles of a node, because often they are what ends them. */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const HOST_NETWORK_TOLERATION: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

export function daemonTolerations({ tolerations = [], hostNetwork = false }: PodSpec): readonly Toleration[] {
  const wanted = hostNetwork ? [...DAEMON_TOLERATIONS, HOST_NETWORK_TOLERATION] : DAEMON_TOLERATIONS;
  const isThere = (toleration: Toleration): boolean =>
    tolerations.some(
      ({ key, effect, operator }) =>
        key === toleration.key && effect === toleration.effect && operator === 'Exists',
    );
  return [...tolerations, ...wanted.filter((toleration) => !isThere(toleration))];
}

/** Whether a node is one for the pods of this template. */
export function chooseNode({ spec }: PodTemplateSpec, node: Node): NodeChoice {
  if ((spec.nodeName ?? '') !== '' && spec.nodeName !== node.metadata.name) {
    return { shouldRun: false, mayContinue: false };
  }
  if (!matchesNode(spec, node)) {
    return { shouldRun: false, mayContinue: false };
  }
  const tolerations = daemonTolerations(spec);
  const taints = node.spec.taints ?? [];
  const mayContinue = untolerated(taints, tolerations, ['NoExecute']).length === 0;
  return {
    shouldRun: mayContinue && untolerated(taints, tolerations, ['NoSchedule']).length === 0,
    mayContinue,
  };
}

function matchesNode({ nodeSelector = {}, affinity }: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return (
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) &&
    (terms === undefined || terms.some((term) => matchesTerm(term, node)))
  );
}

/** A term without requirements matches nothing. */
function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  { metadata }: Node,
): boolean {
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((requirement) => holds(requirement, metadata.labels?.[requirement.key])) &&
    matchFields.every((requirement) =>
      holds(requirement, requirement.key === 'metadata.name' ? metadata.name : undefined),
    )
  );
}

function holds({ operator, values = [] }: NodeSelectorRequirement, actual: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual);
    case 'NotIn':
      return actual === undefined || !values.includes(actual);
    case 'Exists':
      return actual !== undefined;
    case 'DoesNotExist':
      return actual === undefined;
    case 'Gt':
      return isInteger(actual) && Number(actual) > Number(values[0]);
    case 'Lt':
      return isInteger(actual) && Number(actual) < Number(values[0]);
    default:
      return false;
  }
}

function isInteger(text: string | undefined): boolean {
  return text !== undefined && /^-?\d+$/.test(text);
}
