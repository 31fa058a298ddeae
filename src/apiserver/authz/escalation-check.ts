import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '#api/types/rbac.v1.ts';
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING } from '#api/types/resources.ts';
import { forbidden, notFound } from '#api/status-error.ts';
import { SYSTEM_MASTERS, type UserInfo } from '../authn/user.ts';
import type { Authorizer } from './authorizer.ts';
import { compactRules, describeRule, quotedList, uncoveredRules } from './policy-rule.ts';
import { aggregate } from './rbac-authorizer.ts';
import type { RbacGrants } from './rbac-grants.ts';

export interface EscalationCheckDeps {
  readonly rbac: RbacGrants;
  readonly authorizer: Authorizer;
}

const GROUP = 'rbac.authorization.k8s.io';

/** Everything there is to hold; needed to let a role gather rules that do not exist yet. */
const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/**
 * Keeps users from granting more than they hold: a role may be written by those who hold all its rules, and by
 * those allowed to `escalate` it.
 *
 * @param oldRole what is stored now, for updates: rules that do not change need no right
 * @throws {StatusError} 403 naming the rights that are missing
 */
export function checkRoleWrite(
  deps: EscalationCheckDeps,
  user: UserInfo,
  role: Role | ClusterRole,
  oldRole?: Role | ClusterRole,
): void {
  if (user.groups.includes(SYSTEM_MASTERS) || (oldRole !== undefined && hasSameRights(role, oldRole))) {
    return;
  }
  const resource = role.kind === 'ClusterRole' ? CLUSTER_ROLE : ROLE;
  const { name, namespace = '' } = role.metadata;
  if (isAllowed(deps, user, { verb: 'escalate', resource: resource.resource, name, namespace })) {
    return;
  }
  confirmHeld(deps, user, { resource, name, namespace, rules: role.rules ?? [] });
  if (role.kind === 'ClusterRole' && role.aggregationRule !== undefined) {
    const { rules } = deps.rbac.rulesFor(user, namespace);
    if (uncoveredRules(rules, FULL_AUTHORITY).length > 0) {
      throw forbidden(resource, name, 'must have cluster-admin privileges to use an aggregationRule');
    }
  }
}

/**
 * The same for bindings: a role may be bound by those who hold all its rules, and by those allowed to `bind` it.
 *
 * @throws {StatusError} 403 naming the rights that are missing, 404 when the role is not there
 */
export function checkBindingWrite(
  deps: EscalationCheckDeps,
  user: UserInfo,
  binding: RoleBinding | ClusterRoleBinding,
  oldBinding?: RoleBinding | ClusterRoleBinding,
): void {
  if (
    user.groups.includes(SYSTEM_MASTERS) ||
    (oldBinding !== undefined && hasSameSubjects(binding, oldBinding))
  ) {
    return;
  }
  const { name, namespace = '' } = binding.metadata;
  const { roleRef } = binding;
  const isClusterRole = roleRef.kind === 'ClusterRole';
  const wanted = {
    verb: 'bind',
    resource: isClusterRole ? 'clusterroles' : 'roles',
    name: roleRef.name,
    namespace,
  };
  if (isAllowed(deps, user, wanted)) {
    return;
  }
  const rules = deps.rbac.rulesOfRole(roleRef, namespace);
  if (rules === undefined) {
    throw notFound(isClusterRole ? CLUSTER_ROLE : ROLE, roleRef.name);
  }
  const resource = binding.kind === 'ClusterRoleBinding' ? CLUSTER_ROLE_BINDING : ROLE_BINDING;
  confirmHeld(deps, user, { resource, name, namespace, rules });
}

function isAllowed(
  { authorizer }: EscalationCheckDeps,
  user: UserInfo,
  wanted: {
    readonly verb: string;
    readonly resource: string;
    readonly name: string;
    readonly namespace: string;
  },
): boolean {
  const { outcome } = authorizer.authorize({
    ...wanted,
    user,
    apiGroup: GROUP,
    apiVersion: 'v1',
    subresource: '',
    isResourceRequest: true,
    path: '',
  });
  return outcome === 'allow';
}

interface Granting {
  readonly resource: { readonly group: string; readonly resource: string };
  readonly name: string;
  readonly namespace: string;
  readonly rules: readonly PolicyRule[];
}

function confirmHeld(deps: EscalationCheckDeps, user: UserInfo, granting: Granting): void {
  const { rules, errors } = deps.rbac.rulesFor(user, granting.namespace);
  const missing = uncoveredRules(rules, granting.rules);
  if (missing.length === 0) {
    return;
  }
  const lines = [...new Set(compactRules(missing).map(describeRule))].toSorted();
  const who = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)})`;
  const unresolved = errors.length === 0 ? '' : `; resolution errors: ${aggregate(errors)}`;
  throw forbidden(
    granting.resource,
    granting.name,
    `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${unresolved}`,
  );
}

function hasSameRights(role: Role | ClusterRole, oldRole: Role | ClusterRole): boolean {
  const rightsOf = (of: Role | ClusterRole): string =>
    JSON.stringify([of.rules ?? [], of.kind === 'ClusterRole' ? of.aggregationRule : undefined]);
  return rightsOf(role) === rightsOf(oldRole);
}

function hasSameSubjects(
  binding: RoleBinding | ClusterRoleBinding,
  old: RoleBinding | ClusterRoleBinding,
): boolean {
  const partsOf = (of: RoleBinding | ClusterRoleBinding): string =>
    JSON.stringify([of.roleRef, of.subjects ?? []]);
  return partsOf(binding) === partsOf(old);
}
