import type { LabelSelector, LabelSelectorRequirement } from '#api/types/meta.v1.ts';
import type { Node, NodeSelectorTerm, Pod, PodAffinityTerm, Taint } from '#api/types/core.v1.ts';

/** A whole cluster, as objects. */
export interface ReferenceCluster {
  readonly nodes: readonly Node[];
  /** Pods that have a node. */
  readonly pods: readonly Pod[];
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** For pods without constraints of their own: the labels that choose alike pods. */
  readonly ownSelector: (pod: Pod) => Readonly<Record<string, string>> | undefined;
}

export function podsOn({ pods }: ReferenceCluster, node: Node): readonly Pod[] {
  return pods.filter(({ spec }) => spec.nodeName === node.metadata.name);
}

export function isTolerated(taint: Taint, tolerations: NonNullable<Pod['spec']['tolerations']>): boolean {
  return tolerations.some((toleration) => {
    const isSameEffect = (toleration.effect ?? '') === '' || toleration.effect === taint.effect;
    const isSameKey = (toleration.key ?? '') === '' || toleration.key === taint.key;
    const isSameValue = toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
    return isSameEffect && isSameKey && isSameValue;
  });
}

export function toleratesNode(pod: Pod, node: Node): boolean {
  return (node.spec.taints ?? []).every(
    (taint) => taint.effect === 'PreferNoSchedule' || isTolerated(taint, pod.spec.tolerations ?? []),
  );
}

export function wantsNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const isSelected = Object.entries(pod.spec.nodeSelector ?? {}).every(
    ([key, value]) => labels[key] === value,
  );
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return (
    isSelected &&
    (required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node)))
  );
}

export function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: Node,
): boolean {
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((expression) => matchesExpression(expression, node.metadata.labels ?? {})) &&
    matchFields.every((field) => matchesExpression(field, { 'metadata.name': node.metadata.name }))
  );
}

function matchesExpression(
  { key, operator, values = [] }: LabelSelectorRequirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      throw new Error(`unknown operator ${operator}`);
  }
}

export function matchesSelector(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return (
    selector !== undefined &&
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every((expression) => matchesExpression(expression, labels))
  );
}

export function termChooses(
  cluster: ReferenceCluster,
  term: PodAffinityTerm,
  owner: Pod,
  other: Pod,
): boolean {
  const { namespaces = [], namespaceSelector } = term;
  const namespace = other.metadata.namespace;
  const isDefault = namespaces.length === 0 && namespaceSelector === undefined;
  const isInNamespace =
    (isDefault && namespace === owner.metadata.namespace) ||
    namespaces.includes(namespace) ||
    matchesSelector(namespaceSelector, cluster.namespaceLabels.get(namespace));
  return isInNamespace && matchesSelector(term.labelSelector, other.metadata.labels);
}
