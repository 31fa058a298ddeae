import type { NodeSelectorTerm } from '../types/core.v1.ts';
import type { LabelSelector } from '../types/meta.v1.ts';

/** Labels of nodes that have newer names. */
const DEPRECATED: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  [
    'failure-domain.beta.kubernetes.io/region',
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  ],
  [
    'failure-domain.beta.kubernetes.io/zone',
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  ],
  [
    'beta.kubernetes.io/instance-type',
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  ],
]);

/** What is to be said of a label of nodes; undefined for most. */
export function labelDeprecation(label: string): string | undefined {
  return DEPRECATED.get(label);
}

export function termWarnings(term: NodeSelectorTerm, path: string): readonly string[] {
  return expressionWarnings(term.matchExpressions, path);
}

export function selectorWarnings(selector: LabelSelector | undefined, path: string): readonly string[] {
  const labels = Object.keys(selector?.matchLabels ?? {}).flatMap((label) => {
    const text = labelDeprecation(label);
    return text === undefined ? [] : [`${path}.matchLabels.${label}: ${text}`];
  });
  return [...expressionWarnings(selector?.matchExpressions, path), ...labels];
}

function expressionWarnings(
  expressions: readonly { readonly key: string }[] | undefined,
  path: string,
): readonly string[] {
  return (expressions ?? []).flatMap(({ key }, index) => {
    const text = labelDeprecation(key);
    return text === undefined ? [] : [`${path}.matchExpressions[${index}].key: ${key} is ${text}`];
  });
}
