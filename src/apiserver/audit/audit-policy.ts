import type { Attributes } from '../authz/authorizer.ts';

/** How much of a request is recorded; each level holds what the ones before it do. */
export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof LEVELS)[number];

/** Where a request is when an event of it is recorded. */
export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof STAGES)[number];

/** `audit.k8s.io/v1` Policy: the first rule that matches a request says how it is recorded. */
export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

/** Every list that is empty matches everything. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly AuditStage[];
  /** The policy's own when left out. */
  readonly omitManagedFields: boolean | undefined;
}

export interface GroupResources {
  readonly group: string;
  /** `pods`, `pods/log`, `pods/*`, `*` with a subresource, or `*`; subresources are not meant unless they are named. */
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** What the policy says about one request. */
export interface AuditConfig {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

/** What rules look at; who asks is not known of those who could not say. */
export type AuditedAttributes = Omit<Attributes, 'user'> & { readonly user: Attributes['user'] | undefined };

/** Finds the rule for each request. */
export class PolicyEvaluator {
  readonly #rules: readonly { readonly rule: AuditRule; readonly config: AuditConfig }[];
  readonly #otherwise: AuditConfig;

  constructor(policy: AuditPolicy) {
    const { omitStages, omitManagedFields } = policy;
    this.#rules = policy.rules.map((rule) => ({
      rule,
      config: {
        level: rule.level,
        omitStages: new Set([...omitStages, ...rule.omitStages]),
        omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
      },
    }));
    this.#otherwise = { level: 'None', omitStages: new Set(omitStages), omitManagedFields };
  }

  configFor(attributes: AuditedAttributes): AuditConfig {
    return this.#rules.find(({ rule }) => matches(rule, attributes))?.config ?? this.#otherwise;
  }
}

/** True when `level` records at least what `wanted` does. */
export function isAtLeast(level: AuditLevel, wanted: AuditLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(wanted);
}

function matches(rule: AuditRule, attributes: AuditedAttributes): boolean {
  const { user } = attributes;
  if (rule.users.length > 0 && (user === undefined || !rule.users.includes(user.name))) {
    return false;
  }
  if (rule.userGroups.length > 0 && user?.groups.some((group) => rule.userGroups.includes(group)) !== true) {
    return false;
  }
  if (rule.verbs.length > 0 && !rule.verbs.includes(attributes.verb)) {
    return false;
  }
  if (rule.namespaces.length > 0 || rule.resources.length > 0) {
    return attributes.isResourceRequest && matchesResource(rule, attributes);
  }
  if (rule.nonResourceURLs.length > 0) {
    return (
      !attributes.isResourceRequest && rule.nonResourceURLs.some((url) => matchesPath(url, attributes.path))
    );
  }
  return true;
}

function matchesPath(url: string, path: string): boolean {
  return url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, '')));
}

function matchesResource(rule: AuditRule, attributes: AuditedAttributes): boolean {
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(attributes.namespace)) {
    return false;
  }
  return rule.resources.length === 0 || rule.resources.some((each) => matchesGroup(each, attributes));
}

function matchesGroup(
  { group, resources, resourceNames }: GroupResources,
  { apiGroup, resource, subresource, name }: AuditedAttributes,
): boolean {
  if (group !== apiGroup && group !== '*') {
    return false;
  }
  if (resources.length === 0) {
    return true;
  }
  const isNamed = resourceNames.length === 0 || resourceNames.includes(name);
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return (
    isNamed &&
    resources.some(
      (pattern) =>
        pattern === '*' ||
        pattern === full ||
        (subresource !== '' && pattern === `*/${subresource}`) ||
        pattern === `${resource}/*`,
    )
  );
}
