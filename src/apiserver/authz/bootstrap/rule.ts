import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '#api/types/rbac.v1.ts';

/** Verbs that go together often enough to have a name. */
export const READ = 'get list watch';
export const WRITE = 'create update patch delete deletecollection';
export const READ_WRITE = `${READ} ${WRITE}`;

/** The core group, among others in a list separated by spaces. */
export const CORE = 'core';

const GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = `${GROUP}/v1`;

/** Marks what the server makes by itself, and keeps up to date unless an administrator says `false`. */
export const AUTO_UPDATE_ANNOTATION = 'rbac.authorization.kubernetes.io/autoupdate';

/** A rule from lists separated by spaces; resources and verbs are kept in alphabetical order, as they are served. */
export function rule(verbs: string, groups: string, resources: string, resourceNames = ''): PolicyRule {
  return {
    verbs: words(verbs).toSorted(),
    apiGroups: words(groups).map((group) => (group === CORE ? '' : group)),
    resources: words(resources).toSorted(),
    ...(resourceNames === '' ? {} : { resourceNames: words(resourceNames) }),
  };
}

export function pathRule(verbs: string, paths: string): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(paths).toSorted() };
}

export const EVENTS_RULE: PolicyRule = rule('create update patch', 'core events.k8s.io', 'events');

function words(list: string): readonly string[] {
  return list.split(' ');
}

/** What a role is before it is stored; the server adds the rest of its metadata. */
export type NewRole = Omit<Role, 'metadata'> & {
  readonly metadata: NewMetadata & { readonly namespace: string };
};
export type NewClusterRole = Omit<ClusterRole, 'metadata'> & { readonly metadata: NewMetadata };
export type NewRoleBinding = Omit<RoleBinding, 'metadata'> & {
  readonly metadata: NewMetadata & { readonly namespace: string };
};
export type NewClusterRoleBinding = Omit<ClusterRoleBinding, 'metadata'> & { readonly metadata: NewMetadata };

interface NewMetadata {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}): NewMetadata {
  return {
    name,
    annotations: { [AUTO_UPDATE_ANNOTATION]: 'true' },
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  };
}

export function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  labels?: Readonly<Record<string, string>>,
): NewClusterRole {
  return { apiVersion: API_VERSION, kind: 'ClusterRole', metadata: metadata(name, labels), rules };
}

export function role(namespace: string, name: string, rules: readonly PolicyRule[]): NewRole {
  return { apiVersion: API_VERSION, kind: 'Role', metadata: { ...metadata(name), namespace }, rules };
}

/** Binds a cluster role to subjects; the binding is named like the role. */
export function clusterRoleBinding(name: string, ...subjects: readonly Subject[]): NewClusterRoleBinding {
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: metadata(name),
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name },
    ...(subjects.length === 0 ? {} : { subjects }),
  };
}

/** @param to the role's name, where the binding has another */
export function roleBinding(
  namespace: string,
  name: string,
  subjects: readonly Subject[],
  to: string = name,
): NewRoleBinding {
  return {
    apiVersion: API_VERSION,
    kind: 'RoleBinding',
    metadata: { ...metadata(name), namespace },
    roleRef: { apiGroup: GROUP, kind: 'Role', name: to },
    subjects,
  };
}

export function user(name: string): Subject {
  return { apiGroup: GROUP, kind: 'User', name };
}

export function group(name: string): Subject {
  return { apiGroup: GROUP, kind: 'Group', name };
}

/** A service account of `kube-system`. */
export function systemAccount(name: string): Subject {
  return { kind: 'ServiceAccount', name, namespace: 'kube-system' };
}
