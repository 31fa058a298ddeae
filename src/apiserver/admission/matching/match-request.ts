import { EVERYTHING, labelSelectorFromObject, type LabelSelector } from '#api/label-selector.ts';
import type { ApiObject } from '#api/object.ts';
import type { GroupVersionKind, GroupVersionResource } from '#api/resource-type.ts';
import { internalError, notFound } from '#api/status-error.ts';
import type {
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from '#api/types/admissionregistration.v1.ts';
import { NAMESPACE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes } from '../admission.ts';

/** What a webhook, a policy or a binding wants to see. */
export interface MatchCriteria {
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  /** Undefined takes in everything. */
  readonly rules: readonly NamedRuleWithOperations[] | undefined;
  readonly excluded: readonly NamedRuleWithOperations[];
  /** The same resource in another version fits too. */
  readonly allowsEquivalent: boolean;
}

/** The version a rule asked for: the request's own, or an equivalent one. */
export interface MatchedVersion {
  readonly resource: GroupVersionResource;
  readonly kind: GroupVersionKind;
}

export function criteriaOf(resources: MatchResources): MatchCriteria {
  const { namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = resources;
  return {
    namespaceSelector: selectorOf(namespaceSelector),
    objectSelector: selectorOf(objectSelector),
    rules: resourceRules.length === 0 ? undefined : resourceRules,
    excluded: excludeResourceRules,
    allowsEquivalent: resources.matchPolicy !== undefined && resources.matchPolicy !== 'Exact',
  };
}

export function selectorOf(selector: MatchResources['namespaceSelector']): LabelSelector {
  return selector === undefined ? EVERYTHING : labelSelectorFromObject(selector);
}

/**
 * The version in which the write is wanted; undefined when it is not.
 *
 * @throws {StatusError} NotFound for a namespace that is gone, when everything else fits
 */
export function matchRequest(
  criteria: MatchCriteria,
  attributes: AdmissionAttributes,
  reader: ObjectReader,
): MatchedVersion | undefined {
  const space = matchNamespace(criteria.namespaceSelector, attributes, reader);
  if (space === 'differs' || !matchesObject(criteria.objectSelector, attributes)) {
    return undefined;
  }
  if (matchRules(criteria.excluded, criteria.allowsEquivalent, attributes) !== undefined) {
    return undefined;
  }
  const matched =
    criteria.rules === undefined
      ? attributes
      : matchRules(criteria.rules, criteria.allowsEquivalent, attributes);
  if (matched !== undefined && space === 'missing') {
    throw notFound({ group: '', resource: 'namespaces' }, attributes.namespace);
  }
  return matched;
}

/** Rules that name the request's version come first, whatever their order. */
function matchRules(
  rules: readonly NamedRuleWithOperations[],
  allowsEquivalent: boolean,
  attributes: AdmissionAttributes,
): MatchedVersion | undefined {
  if (rules.some((rule) => ruleMatches(rule, attributes, attributes.resource))) {
    return attributes;
  }
  const others = allowsEquivalent ? (attributes.versions?.others ?? []) : [];
  for (const rule of rules) {
    for (const other of others) {
      if (ruleMatches(rule, attributes, other.resource)) {
        if (other.kind === undefined) {
          const { group, version, resource } = other.resource;
          throw internalError(`unable to convert to ${group}/${version}, Resource=${resource}: unknown kind`);
        }
        return { resource: other.resource, kind: other.kind };
      }
    }
  }
  return undefined;
}

function ruleMatches(
  rule: NamedRuleWithOperations,
  attributes: AdmissionAttributes,
  resource: GroupVersionResource,
): boolean {
  const { operation, subresource, name } = attributes;
  const { resourceNames = [] } = rule;
  return (
    isInScope(rule.scope, attributes, resource) &&
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, resource.group) &&
    includes(rule.apiVersions, resource.version) &&
    (rule.resources ?? []).some((pattern) => resourceMatches(pattern, resource.resource, subresource)) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  );
}

function includes(patterns: readonly string[] | undefined, value: string): boolean {
  return patterns !== undefined && (patterns.includes('*') || patterns.includes(value));
}

/** `pods`, `pods/*`, `*` and the like; without a slash subresources are not meant. */
function resourceMatches(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const wanted = slash === -1 ? pattern : pattern.slice(0, slash);
  const wantedSubresource = slash === -1 ? '' : pattern.slice(slash + 1);
  return (
    (wanted === '*' || wanted === resource) &&
    (wantedSubresource === '*' || wantedSubresource === subresource)
  );
}

function isInScope(
  scope: RuleWithOperations['scope'],
  { namespace }: AdmissionAttributes,
  resource: GroupVersionResource,
): boolean {
  // Requests for a namespace carry its name as their namespace; the object is the cluster's all the same.
  const isOfCluster = namespace === '' || isNamespace(resource);
  switch (scope) {
    case 'Cluster':
      return isOfCluster;
    case 'Namespaced':
      return !isOfCluster;
    default:
      return true;
  }
}

function isNamespace({ group, resource }: GroupVersionResource): boolean {
  return group === '' && resource === 'namespaces';
}

function matchNamespace(
  selector: LabelSelector,
  attributes: AdmissionAttributes,
  reader: ObjectReader,
): 'fits' | 'differs' | 'missing' {
  const { resource, subresource, operation, object } = attributes;
  const isOfNamespace = resource.resource === 'namespaces';
  // Objects of the cluster are in no namespace that could be left out.
  if (selector.isEmpty || (attributes.namespace === '' && !isOfNamespace)) {
    return 'fits';
  }
  // What a namespace will be called by is in the request; nobody has stored it yet.
  const isWritten = isOfNamespace && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE');
  const source = isWritten ? object : reader.get(NAMESPACE, '', namespaceName(attributes));
  if (source === undefined) {
    return 'missing';
  }
  return selector.matches(source.metadata.labels) ? 'fits' : 'differs';
}

/** The namespace a write is about: its own, also for a namespace itself. */
function namespaceName({ namespace, name, resource }: AdmissionAttributes): string {
  return isNamespace(resource) ? name : namespace;
}

function matchesObject(selector: LabelSelector, { object, oldObject }: AdmissionAttributes): boolean {
  return selector.isEmpty || hasLabels(object, selector) || hasLabels(oldObject, selector);
}

function hasLabels(object: ApiObject | undefined, selector: LabelSelector): boolean {
  // The options of a CONNECT have no metadata, whatever their type says.
  const { metadata }: { readonly metadata?: ApiObject['metadata'] } = object ?? {};
  return metadata !== undefined && selector.matches(metadata.labels);
}
