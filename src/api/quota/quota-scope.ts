import type { ApiObject } from '../object.ts';
import type {
  Container,
  Pod,
  PodAffinityTerm,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
} from '../types/core.v1.ts';
import { matchingNames } from './quota-usage.ts';

/** True when a quota counts an object: it has a bound on something the object uses, and all its scopes fit. */
export function quotaMatches(
  quota: ResourceQuota,
  resource: { readonly group: string; readonly resource: string },
  object: ApiObject,
): boolean {
  if (matchingNames(resource, Object.keys(quota.status.hard ?? {})).length === 0) {
    return false;
  }
  const isPod = resource.group === '' && resource.resource === 'pods';
  // Scopes speak of pods; a quota with a scope counts nothing else.
  return scopesOf(quota).every((scope) => isPod && podMatches(scope, object as Pod));
}

function scopesOf({ spec }: ResourceQuota): readonly ScopedResourceSelectorRequirement[] {
  return [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' }) as const),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ];
}

function podMatches(scope: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      return classMatches(scope, pod.spec.priorityClassName ?? '');
    case 'CrossNamespacePodAffinity':
      return hasCrossNamespaceAffinity(pod);
    default:
      return false;
  }
}

function isTerminating({ spec }: Pod): boolean {
  return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
}

function isBestEffort({ spec }: Pod): boolean {
  const asksNothing = ({ resources }: Pick<Container, 'resources'>): boolean =>
    [resources.requests, resources.limits].every((list) =>
      ['cpu', 'memory'].every((name) => list?.[name] === undefined || Number.parseFloat(list[name]) === 0),
    );
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  return (
    containers.every(asksNothing) &&
    (spec.resources === undefined || asksNothing({ resources: spec.resources }))
  );
}

function classMatches(
  { operator, values = [] }: ScopedResourceSelectorRequirement,
  className: string,
): boolean {
  switch (operator) {
    case 'In':
      return className !== '' && values.includes(className);
    case 'NotIn':
      return !values.includes(className);
    case 'Exists':
      return className !== '';
    case 'DoesNotExist':
      return className === '';
    default:
      return false;
  }
}

function hasCrossNamespaceAffinity({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((affinity): readonly PodAffinityTerm[] => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm }) => podAffinityTerm,
    ),
  ]);
  return terms.some(
    ({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined,
  );
}
