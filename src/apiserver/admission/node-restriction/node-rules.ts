import type { Node } from '#api/types/core.v1.ts';
import { isSame, type Refusal } from './pod-rules.ts';

/** Labels of Kubernetes' own that a node knows about itself. */
const OWN_LABELS: ReadonlySet<string> = new Set([
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);
const OWN_NAMESPACES = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const RESTRICTED_NAMESPACE = 'node-restriction.kubernetes.io';

export function refuseNewNode(name: string, { metadata, spec }: Node): Refusal {
  const who = `node ${JSON.stringify(name)}`;
  if (spec.configSource !== undefined) {
    return `${who} is not allowed to create pods with a non-nil configSource`;
  }
  const labels = forbiddenLabels(metadata.labels, undefined);
  return labels.length === 0
    ? undefined
    : `${who} is not allowed to set the following labels: ${labels.join(', ')}`;
}

/** Taints and most labels steer where pods go, so a node must not choose its own. */
export function refuseNodeUpdate(name: string, node: Node, old: Node): Refusal {
  const who = `node ${JSON.stringify(name)}`;
  if (node.spec.configSource !== undefined && !isSame(node.spec.configSource, old.spec.configSource)) {
    return `${who} is not allowed to update configSource to a new non-nil configSource`;
  }
  if (!isSame(node.spec.taints ?? [], old.spec.taints ?? [])) {
    return `${who} is not allowed to modify taints`;
  }
  const labels = forbiddenLabels(node.metadata.labels, old.metadata.labels);
  return labels.length === 0 ? undefined : `is not allowed to modify labels: ${labels.join(', ')}`;
}

type Labels = Readonly<Record<string, string>> | undefined;

function forbiddenLabels(labels: Labels, old: Labels): readonly string[] {
  const keys = new Set([...Object.keys(labels ?? {}), ...Object.keys(old ?? {})]);
  return [...keys].filter((key) => labels?.[key] !== old?.[key] && isForbidden(key)).toSorted();
}

function isForbidden(key: string): boolean {
  const namespace = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (isIn(namespace, RESTRICTED_NAMESPACE)) {
    return true;
  }
  const isKubernetes = isIn(namespace, 'kubernetes.io') || isIn(namespace, 'k8s.io');
  return isKubernetes && !OWN_LABELS.has(key) && !OWN_NAMESPACES.some((own) => isIn(namespace, own));
}

/** The domain itself, or one below it. */
function isIn(namespace: string, domain: string): boolean {
  return namespace === domain || namespace.endsWith(`.${domain}`);
}
