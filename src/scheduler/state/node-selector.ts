import { holds, type LabelOperator, type LabelRequirement, type Labels } from '#api/label-requirement.ts';
import type {
  Affinity,
  Node,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
} from '#api/types/core.v1.ts';
import { NO_LABELS } from './selectors.ts';

/** Whether a node is one that the pod asks for. */
export type NodeMatcher = (node: Node) => boolean;

export interface WeightedNodeMatcher {
  readonly weight: number;
  readonly matches: NodeMatcher;
}

/** The pod's `nodeSelector` and required node affinity, both of which must hold; undefined when it has neither. */
export function compileRequiredNodes(
  nodeSelector: Labels | undefined,
  affinity: Affinity | undefined,
): NodeMatcher | undefined {
  const wanted = Object.entries(nodeSelector ?? NO_LABELS);
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const matchesRequired = required === undefined ? undefined : compileNodeSelector(required);
  if (wanted.length === 0) {
    return matchesRequired;
  }
  return (node) => {
    const labels = node.metadata.labels ?? NO_LABELS;
    return (
      wanted.every(([key, value]) => labels[key] === value) &&
      (matchesRequired === undefined || matchesRequired(node))
    );
  };
}

/** Terms are alternatives; an empty term, and a selector without terms, match no node. */
export function compileNodeSelector(selector: NodeSelector): NodeMatcher {
  const terms = selector.nodeSelectorTerms.filter(isMeaningful).map(compileTerm);
  return (node) => terms.some((matches) => matches(node));
}

/** Preferred terms; those without weight or requirement say nothing and are left out. */
export function compilePreferredNodes(affinity: Affinity | undefined): readonly WeightedNodeMatcher[] {
  const preferred = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred
    .filter(({ weight, preference }) => weight !== 0 && isMeaningful(preference))
    .map(({ weight, preference }) => ({ weight, matches: compileTerm(preference) }));
}

/**
 * The only node names that the required affinity can accept, or undefined when names do not limit it. Lets a
 * pod of a DaemonSet look at one node instead of all.
 */
export function requiredNodeNames(affinity: Affinity | undefined): ReadonlySet<string> | undefined {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) {
    return undefined;
  }
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const field = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (field === undefined) {
      return undefined;
    }
    for (const name of field.values ?? []) {
      names.add(name);
    }
  }
  return names;
}

function isMeaningful({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean {
  return matchExpressions.length > 0 || matchFields.length > 0;
}

function compileTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): NodeMatcher {
  const onLabels = matchExpressions.map(requirementOf);
  const onFields = matchFields.map(requirementOf);
  if (onLabels.includes(undefined) || onFields.includes(undefined)) {
    return () => false;
  }
  return (node) =>
    onLabels.every((requirement) => requirement && holds(requirement, node.metadata.labels)) &&
    onFields.every(
      (requirement) => requirement && holds(requirement, { 'metadata.name': node.metadata.name }),
    );
}

/** Undefined for an operator that the server would refuse. */
function requirementOf({
  key,
  operator,
  values = [],
}: NodeSelectorRequirement): LabelRequirement | undefined {
  const known = OPERATORS.get(operator);
  return known === undefined ? undefined : { key, operator: known, values };
}

const OPERATORS: ReadonlyMap<string, LabelOperator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
  ['Gt', 'gt'],
  ['Lt', 'lt'],
]);
