import type { ApiObject } from '#api/object.ts';
import type { RuleWithOperations } from '#api/types/admissionregistration.v1.ts';
import { NAMESPACE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes } from '../admission.ts';
import type { RegisteredWebhook } from './webhook-source.ts';

/** What decides about admission is never subject to webhooks: a broken one could not be removed any more. */
const EXEMPT: ReadonlySet<string> = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

export function isExempt({ resource }: AdmissionAttributes): boolean {
  return resource.group === 'admissionregistration.k8s.io' && EXEMPT.has(resource.resource);
}

/** True when the webhook wants to see the write: one of its rules and both its selectors fit. */
export function wantsToSee(
  { hook, namespaceSelector, objectSelector }: RegisteredWebhook,
  attributes: AdmissionAttributes,
  reader: ObjectReader,
): boolean {
  if (!(hook.rules ?? []).some((rule) => ruleMatches(rule, attributes))) {
    return false;
  }
  if (!namespaceSelector.isEmpty) {
    const labels = namespaceLabels(attributes, reader);
    // Objects of the cluster are in no namespace that could be left out.
    if (labels !== 'none' && !namespaceSelector.matches(labels)) {
      return false;
    }
  }
  const { object, oldObject } = attributes;
  return objectSelector.isEmpty || [object, oldObject].some((each) => hasLabels(each, objectSelector));
}

export function ruleMatches(rule: RuleWithOperations, attributes: AdmissionAttributes): boolean {
  const { operation, resource, subresource } = attributes;
  return (
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, resource.group) &&
    includes(rule.apiVersions, resource.version) &&
    isInScope(rule.scope, attributes) &&
    (rule.resources ?? []).some((pattern) => resourceMatches(pattern, resource.resource, subresource))
  );
}

function includes(patterns: readonly string[] | undefined, value: string): boolean {
  return patterns !== undefined && (patterns.includes('*') || patterns.includes(value));
}

/** `pods`, `pods/*`, `*` and the like; without a slash subresources are not meant. */
function resourceMatches(pattern: string, resource: string, subresource: string): boolean {
  const [wanted = '', wantedSubresource = ''] = pattern.split('/');
  return (
    (wanted === '*' || wanted === resource) &&
    (wantedSubresource === '*' || wantedSubresource === subresource)
  );
}

function isInScope(
  scope: RuleWithOperations['scope'],
  { namespace, resource }: AdmissionAttributes,
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

function isNamespace({ group, resource }: AdmissionAttributes['resource']): boolean {
  return group === '' && resource === 'namespaces';
}

function namespaceLabels(
  { namespace, name, resource, object, operation }: AdmissionAttributes,
  reader: ObjectReader,
): Readonly<Record<string, string>> | undefined | 'none' {
  if (isNamespace(resource)) {
    return operation === 'DELETE'
      ? reader.get(NAMESPACE, '', name)?.metadata.labels
      : object?.metadata.labels;
  }
  return namespace === '' ? 'none' : reader.get(NAMESPACE, '', namespace)?.metadata.labels;
}

function hasLabels(object: ApiObject | undefined, selector: RegisteredWebhook['objectSelector']): boolean {
  return object !== undefined && selector.matches(object.metadata.labels);
}
