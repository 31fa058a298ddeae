import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '#api/types/rbac.v1.ts';
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING } from '#api/types/resources.ts';
import { serviceAccountUserName } from '../authn/service-account-identity.ts';
import type { UserInfo } from '../authn/user.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { Decision } from './authorizer.ts';
import { compileRules, type CompiledRules } from './policy-rule.ts';

/** One binding of one subject to a role. */
export interface Grant {
  /** Empty for grants that hold in the whole cluster. */
  readonly namespace: string;
  readonly roleRef: RoleRef;
  /** What allows a request if this grant does. */
  readonly decision: Decision;
}

/** The grants of one scope by who holds them; looked up by user and by each of the user's groups. */
interface Scope {
  readonly users: Map<string, Grant[]>;
  readonly groups: Map<string, Grant[]>;
}

type Binding = RoleBinding | ClusterRoleBinding;

/**
 * Roles and bindings as authorization asks for them: who holds what where. Follows every change in the same turn,
 * touching only what changed.
 */
export class RbacGrants {
  readonly #scopes = new Map<string, Scope>();
  readonly #roles = new Map<string, CompiledRules>();
  readonly #rules = new Map<string, readonly PolicyRule[]>();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(reader: ObjectReader) {
    for (const role of [...reader.list(CLUSTER_ROLE, ''), ...reader.list(ROLE, '')]) {
      this.#setRole(role, undefined);
    }
    for (const binding of [...reader.list(CLUSTER_ROLE_BINDING, ''), ...reader.list(ROLE_BINDING, '')]) {
      this.#setBinding(binding, undefined);
    }
    this.#unsubscribe = [
      reader.onChange(CLUSTER_ROLE, ({ object, previous }) => this.#setRole(object, previous)),
      reader.onChange(ROLE, ({ object, previous }) => this.#setRole(object, previous)),
      reader.onChange(CLUSTER_ROLE_BINDING, ({ object, previous }) => this.#setBinding(object, previous)),
      reader.onChange(ROLE_BINDING, ({ object, previous }) => this.#setBinding(object, previous)),
    ];
  }

  /** Stops following changes. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe) {
      unsubscribe();
    }
  }

  /**
   * The first grant of the user, in the whole cluster or in `namespace`, for which `accepts` is true.
   *
   * @param namespace empty when only grants for the whole cluster count
   */
  findGrant(user: UserInfo, namespace: string, accepts: (grant: Grant) => boolean): Grant | undefined {
    const found = findInScope(this.#scopes.get(''), user, accepts);
    return found ?? (namespace === '' ? undefined : findInScope(this.#scopes.get(namespace), user, accepts));
  }

  /** The compiled rules of a role; undefined when there is no such role. */
  compiledRules(roleRef: RoleRef, namespace: string): CompiledRules | undefined {
    return this.#roles.get(roleKey(roleRef.kind, roleRef.name, namespace));
  }

  /** The rules of a role as they are written; undefined when there is no such role. */
  rulesOfRole(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return this.#rules.get(roleKey(roleRef.kind, roleRef.name, namespace));
  }

  /** Every rule the user holds in the whole cluster and in `namespace`, and the roles that are bound but missing. */
  rulesFor(
    user: UserInfo,
    namespace: string,
  ): { readonly rules: readonly PolicyRule[]; readonly errors: readonly string[] } {
    const rules: PolicyRule[] = [];
    const errors = new Set<string>();
    this.findGrant(user, namespace, (grant) => {
      const held = this.rulesOfRole(grant.roleRef, grant.namespace);
      if (held === undefined) {
        errors.add(missingRole(grant.roleRef));
      }
      rules.push(...(held ?? []));
      return false;
    });
    return { rules, errors: [...errors] };
  }

  #setRole(role: Role | ClusterRole | undefined, previous: Role | ClusterRole | undefined): void {
    const either = role ?? previous;
    if (either === undefined) {
      return;
    }
    const { metadata } = either;
    const key = roleKey(either.kind, metadata.name, metadata.namespace ?? '');
    if (role === undefined) {
      this.#roles.delete(key);
      this.#rules.delete(key);
    } else {
      this.#roles.set(key, compileRules(role.rules ?? []));
      this.#rules.set(key, role.rules ?? []);
    }
  }

  #setBinding(binding: Binding | undefined, previous: Binding | undefined): void {
    if (previous !== undefined) {
      this.#removeBinding(previous);
    }
    if (binding === undefined) {
      return;
    }
    const namespace = binding.metadata.namespace ?? '';
    const scope = this.#scopes.getOrInsertComputed(namespace, () => ({
      users: new Map(),
      groups: new Map(),
    }));
    for (const subject of binding.subjects ?? []) {
      const holders = subject.kind === 'Group' ? scope.groups : scope.users;
      const reason = `RBAC: allowed by ${describeBinding(binding, subject)}`;
      const grant: Grant = { namespace, roleRef: binding.roleRef, decision: { outcome: 'allow', reason } };
      holders.getOrInsertComputed(holderName(subject, namespace), () => []).push(grant);
    }
  }

  #removeBinding(binding: Binding): void {
    const namespace = binding.metadata.namespace ?? '';
    const scope = this.#scopes.get(namespace);
    for (const subject of binding.subjects ?? []) {
      const holders = subject.kind === 'Group' ? scope?.groups : scope?.users;
      const name = holderName(subject, namespace);
      const reason = `RBAC: allowed by ${describeBinding(binding, subject)}`;
      const left = (holders?.get(name) ?? []).filter(({ decision }) => decision.reason !== reason);
      if (left.length === 0) {
        holders?.delete(name);
      } else {
        holders?.set(name, left);
      }
    }
    if (scope !== undefined && scope.users.size + scope.groups.size === 0) {
      this.#scopes.delete(namespace);
    }
  }
}

function findInScope(
  scope: Scope | undefined,
  user: UserInfo,
  accepts: (grant: Grant) => boolean,
): Grant | undefined {
  if (scope === undefined) {
    return undefined;
  }
  const own = scope.users.get(user.name)?.find(accepts);
  if (own !== undefined) {
    return own;
  }
  for (const group of user.groups) {
    const found = scope.groups.get(group)?.find(accepts);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** How a role that is bound but not there is named in messages. */
export function missingRole({ kind, name }: RoleRef): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`;
}

function roleKey(kind: string, name: string, namespace: string): string {
  return kind === 'ClusterRole' ? name : `${namespace}/${name}`;
}

function holderName(subject: Subject, bindingNamespace: string): string {
  return subject.kind === 'ServiceAccount'
    ? serviceAccountUserName(subject.namespace ?? bindingNamespace, subject.name)
    : subject.name;
}

function describeBinding(binding: Binding, subject: Subject): string {
  const { kind, metadata, roleRef } = binding;
  const name = kind === 'RoleBinding' ? `${metadata.name}/${metadata.namespace}` : metadata.name;
  const who =
    subject.kind === 'ServiceAccount'
      ? `${subject.name}/${subject.namespace ?? metadata.namespace ?? ''}`
      : subject.name;
  return `${kind} ${JSON.stringify(name)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}
