import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '#api/types/flowcontrol.v1.ts';
import { serviceAccountUserName } from '../authn/service-account-identity.ts';
import type { UserInfo } from '../authn/user.ts';
import type { RequestInfo } from '../request-info.ts';

const ANY = '*';
const NO_NAMES: readonly string[] = [];

/** True when one of the schema's rules is about this user and this request. */
export function matchesSchema(schema: FlowSchema, user: UserInfo, info: RequestInfo): boolean {
  for (const rule of schema.spec.rules ?? []) {
    if (matchesRule(rule, user, info)) {
      return true;
    }
  }
  return false;
}

/** Tells the flows of one schema apart: by user, by namespace, or not at all. */
export function distinguisherOf({ spec }: FlowSchema, user: UserInfo, info: RequestInfo): string {
  switch (spec.distinguisherMethod?.type) {
    case 'ByUser':
      return user.name;
    case 'ByNamespace':
      return info.namespace;
    default:
      return '';
  }
}

function matchesRule(
  { subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects,
  user: UserInfo,
  info: RequestInfo,
): boolean {
  if (!subjects.some((subject) => matchesSubject(subject, user))) {
    return false;
  }
  return info.isResource
    ? resourceRules.some((rule) => matchesResource(rule, info))
    : nonResourceRules.some((rule) => matchesPath(rule, info));
}

function matchesSubject(subject: Subject, user: UserInfo): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === ANY || subject.user?.name === user.name;
    case 'Group': {
      const name = subject.group?.name;
      return name !== undefined && (name === ANY || user.groups.includes(name));
    }
    case 'ServiceAccount': {
      const account = subject.serviceAccount;
      if (account === undefined) {
        return false;
      }
      return account.name === ANY
        ? user.name.startsWith(serviceAccountUserName(account.namespace, ''))
        : user.name === serviceAccountUserName(account.namespace, account.name);
    }
    default:
      return false;
  }
}

function matchesResource(rule: ResourcePolicyRule, info: RequestInfo): boolean {
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  if (
    !holds(rule.verbs, info.verb) ||
    !holds(rule.resources, resource) ||
    !holds(rule.apiGroups, info.group)
  ) {
    return false;
  }
  return info.namespace === ''
    ? rule.clusterScope === true
    : holds(rule.namespaces ?? NO_NAMES, info.namespace);
}

function matchesPath(rule: NonResourcePolicyRule, info: RequestInfo): boolean {
  return holds(rule.verbs, info.verb) && rule.nonResourceURLs.some((url) => coversPath(url, info.path));
}

/** A rule for a path is one for everything below it too, with or without a star. */
function coversPath(url: string, path: string): boolean {
  if (url === ANY || url === path) {
    return true;
  }
  const stem = url.endsWith('*') ? url.slice(0, -1) : url;
  return path.startsWith(stem.endsWith('/') ? stem : `${stem}/`);
}

/** The star stands for everything, and only alone. */
function holds(names: readonly string[], name: string): boolean {
  return (names.length === 1 && names[0] === ANY) || names.includes(name);
}
