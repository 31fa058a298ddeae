import type { PolicyRule, Subject } from '#api/types/rbac.v1.ts';
import {
  ALL_AUTHENTICATED,
  ALL_SERVICE_ACCOUNTS,
  ALL_UNAUTHENTICATED,
  SYSTEM_MASTERS,
} from '../../authn/user.ts';
import { compactRules, uncoveredRules } from '../policy-rule.ts';
import { COMPONENT_ROLES } from './component-roles.ts';
import { CONTROLLER_RULES } from './controller-roles.ts';
import { NAMESPACE_ROLE_BINDINGS, NAMESPACE_ROLES } from './namespace-roles.ts';
import {
  AUTO_UPDATE_ANNOTATION,
  clusterRole,
  clusterRoleBinding,
  group,
  systemAccount,
  user,
  type NewClusterRole,
  type NewClusterRoleBinding,
  type NewRole,
  type NewRoleBinding,
} from './rule.ts';
import { USER_ROLES } from './user-roles.ts';

/** The roles and bindings every cluster starts with. */
export interface BootstrapPolicy {
  readonly clusterRoles: readonly NewClusterRole[];
  readonly clusterRoleBindings: readonly NewClusterRoleBinding[];
  /** In `kube-system` and `kube-public`. */
  readonly roles: readonly NewRole[];
  readonly roleBindings: readonly NewRoleBinding[];
}

const COMPONENT_BINDINGS: readonly NewClusterRoleBinding[] = [
  clusterRoleBinding('cluster-admin', group(SYSTEM_MASTERS)),
  clusterRoleBinding('system:monitoring', group('system:monitoring')),
  clusterRoleBinding('system:discovery', group(ALL_AUTHENTICATED)),
  clusterRoleBinding('system:basic-user', group(ALL_AUTHENTICATED)),
  clusterRoleBinding('system:public-info-viewer', group(ALL_AUTHENTICATED), group(ALL_UNAUTHENTICATED)),
  clusterRoleBinding('system:node-proxier', user('system:kube-proxy')),
  clusterRoleBinding('system:kube-controller-manager', user('system:kube-controller-manager')),
  clusterRoleBinding('system:kube-dns', systemAccount('kube-dns')),
  clusterRoleBinding('system:kube-scheduler', user('system:kube-scheduler')),
  clusterRoleBinding('system:volume-scheduler', user('system:kube-scheduler')),
  clusterRoleBinding('system:service-account-issuer-discovery', group(ALL_SERVICE_ACCOUNTS)),
  // Bound to nobody: the Node authorizer decides for nodes. Kept so that a group may be added to it.
  clusterRoleBinding('system:node'),
];

/** Builds the whole policy. Aggregated roles come with their rules, so that they hold from the first request on. */
export function bootstrapPolicy(): BootstrapPolicy {
  const names = Object.keys(CONTROLLER_RULES);
  const controllerRoles = names.map((name) =>
    clusterRole(`system:controller:${name}`, CONTROLLER_RULES[name] ?? []),
  );
  return {
    clusterRoles: withAggregatedRules([...USER_ROLES, ...COMPONENT_ROLES, ...controllerRoles]),
    clusterRoleBindings: [
      ...COMPONENT_BINDINGS,
      ...names.map((name) => clusterRoleBinding(`system:controller:${name}`, systemAccount(name))),
    ],
    roles: NAMESPACE_ROLES,
    roleBindings: NAMESPACE_ROLE_BINDINGS,
  };
}

function withAggregatedRules(roles: readonly NewClusterRole[]): readonly NewClusterRole[] {
  const rulesOf = (role: NewClusterRole): readonly PolicyRule[] => {
    const labels = role.aggregationRule?.clusterRoleSelectors?.[0]?.matchLabels;
    return labels === undefined ? (role.rules ?? []) : gatherRules(labels);
  };
  const gatherRules = (labels: Readonly<Record<string, string>>): readonly PolicyRule[] => {
    const carriers = roles.filter(({ metadata }) =>
      Object.entries(labels).every(([key, value]) => metadata.labels[key] === value),
    );
    return carriers.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).flatMap(rulesOf);
  };
  return roles.map((role) => ({ ...role, rules: rulesOf(role) }));
}

interface StoredRole {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly rules?: readonly PolicyRule[] | null;
}

/**
 * The rules a stored role needs to hold what it should, or undefined when it needs nothing: rules are added,
 * never taken away, and not at all when the role says that it is not to be kept up to date.
 */
export function reconciledRules(
  stored: StoredRole,
  wanted: { readonly rules?: readonly PolicyRule[] | null; readonly aggregationRule?: object },
): readonly PolicyRule[] | undefined {
  if (isProtected(stored) || wanted.aggregationRule !== undefined) {
    return undefined;
  }
  const missing = uncoveredRules(stored.rules ?? [], wanted.rules ?? []);
  return missing.length === 0 ? undefined : [...(stored.rules ?? []), ...compactRules(missing)];
}

interface StoredBinding {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly subjects?: readonly Subject[];
}

/** The same for the subjects of a stored binding. */
export function reconciledSubjects(
  stored: StoredBinding,
  wanted: { readonly subjects?: readonly Subject[] },
): readonly Subject[] | undefined {
  const keyOf = ({ kind, name, namespace = '' }: Subject): string => `${kind} ${namespace}/${name}`;
  const present = new Set((stored.subjects ?? []).map(keyOf));
  const missing = (wanted.subjects ?? []).filter((subject) => !present.has(keyOf(subject)));
  return isProtected(stored) || missing.length === 0 ? undefined : [...(stored.subjects ?? []), ...missing];
}

function isProtected({ metadata }: StoredRole | StoredBinding): boolean {
  return metadata.annotations?.[AUTO_UPDATE_ANNOTATION] === 'false';
}
