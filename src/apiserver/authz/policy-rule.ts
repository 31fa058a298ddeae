import type { PolicyRule } from '#api/types/rbac.v1.ts';
import type { Attributes } from './authorizer.ts';

/** The rules of one role, arranged so that a request looks at the few that name its resource. */
export interface CompiledRules {
  /** By `pods`, `pods/log`, `*`, or `*` + `/scale`, as the rules have it. */
  readonly byResource: ReadonlyMap<string, readonly PolicyRule[]>;
  readonly byPath: readonly PolicyRule[];
}

export function compileRules(rules: readonly PolicyRule[]): CompiledRules {
  const byResource = new Map<string, PolicyRule[]>();
  for (const rule of rules) {
    for (const resource of rule.resources ?? []) {
      byResource.getOrInsertComputed(resource, () => []).push(rule);
    }
  }
  return { byResource, byPath: rules.filter((rule) => (rule.nonResourceURLs ?? []).length > 0) };
}

/** True when one of the rules allows what is asked. */
export function rulesAllow(rules: CompiledRules, attributes: Attributes): boolean {
  if (!attributes.isResourceRequest) {
    return rules.byPath.some(
      (rule) =>
        hasOrAll(rule.verbs, attributes.verb) && pathMatches(rule.nonResourceURLs ?? [], attributes.path),
    );
  }
  const { resource, subresource } = attributes;
  const { byResource } = rules;
  if (subresource === '') {
    return someAllows(byResource.get(resource), attributes) || someAllows(byResource.get('*'), attributes);
  }
  return (
    someAllows(byResource.get(`${resource}/${subresource}`), attributes) ||
    someAllows(byResource.get(`*/${subresource}`), attributes) ||
    someAllows(byResource.get('*'), attributes)
  );
}

function someAllows(rules: readonly PolicyRule[] | undefined, { verb, apiGroup, name }: Attributes): boolean {
  if (rules === undefined) {
    return false;
  }
  for (const { verbs, apiGroups = [], resourceNames = [] } of rules) {
    if (
      hasOrAll(verbs, verb) &&
      hasOrAll(apiGroups, apiGroup) &&
      (resourceNames.length === 0 || resourceNames.includes(name))
    ) {
      return true;
    }
  }
  return false;
}

function hasOrAll(list: readonly string[], item: string): boolean {
  return list.includes(item) || list.includes('*');
}

/** A `*` at the end of a pattern stands for any rest. */
function pathMatches(patterns: readonly string[], path: string): boolean {
  return patterns.some(
    (pattern) => pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1))),
  );
}

/** Those parts of `wanted` that `held` does not grant, each cut down to one verb on one thing. */
export function uncoveredRules(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): readonly PolicyRule[] {
  return wanted.flatMap(singleRules).filter((single) => !held.some((rule) => covers(rule, single)));
}

function singleRules(rule: PolicyRule): readonly PolicyRule[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const singles: PolicyRule[] = [];
  for (const verb of verbs) {
    for (const apiGroup of apiGroups) {
      for (const resource of resources) {
        const single = { verbs: [verb], apiGroups: [apiGroup], resources: [resource] };
        if (resourceNames.length === 0) {
          singles.push(single);
        }
        singles.push(...resourceNames.map((name) => ({ ...single, resourceNames: [name] })));
      }
    }
    singles.push(...nonResourceURLs.map((url) => ({ verbs: [verb], nonResourceURLs: [url] })));
  }
  return singles;
}

function covers(rule: PolicyRule, single: PolicyRule): boolean {
  const verb = single.verbs[0] ?? '';
  if (!hasOrAll(rule.verbs, verb)) {
    return false;
  }
  const url = single.nonResourceURLs?.[0];
  if (url !== undefined) {
    return (rule.nonResourceURLs ?? []).some(
      (held) => held === url || (held.endsWith('*') && url.startsWith(held.slice(0, -1))),
    );
  }
  const resource = single.resources?.[0] ?? '';
  const subresource = resource.includes('/') ? resource.slice(resource.indexOf('/') + 1) : undefined;
  const heldResources = rule.resources ?? [];
  const heldNames = rule.resourceNames ?? [];
  const name = single.resourceNames?.[0];
  return (
    hasOrAll(rule.apiGroups ?? [], single.apiGroups?.[0] ?? '') &&
    (hasOrAll(heldResources, resource) ||
      (subresource !== undefined && heldResources.includes(`*/${subresource}`))) &&
    (heldNames.length === 0 || (name !== undefined && heldNames.includes(name)))
  );
}

/** Joins rules that differ in nothing but their verbs. */
export function compactRules(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...rest } = rule;
    const key = JSON.stringify(rest);
    const before = joined.get(key);
    joined.set(key, before === undefined ? rule : { ...before, verbs: [...before.verbs, ...verbs] });
  }
  return [...joined.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function describeRule(rule: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const present = parts.filter(([, items]) => items !== undefined && items.length > 0);
  return `{${present.map(([name, items]) => `${name}:${quotedList(items ?? [])}`).join(', ')}}`;
}

/** `["a" "b"]`, as lists of strings stand in error messages. */
export function quotedList(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(' ')}]`;
}
