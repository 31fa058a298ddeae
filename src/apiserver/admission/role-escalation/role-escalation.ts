import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '#api/types/rbac.v1.ts';
import { checkBindingWrite, checkRoleWrite, type EscalationCheckDeps } from '../../authz/escalation-check.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';

/**
 * Nobody grants more than they hold. Not one of the plugins that can be switched off: it stands in the chain
 * because it asks what they ask, who writes what over what.
 */
export class RoleEscalation implements ValidatingPlugin {
  readonly name = 'RoleEscalation';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE'],
    resources: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map(
      (resource) => `${resource}.rbac.authorization.k8s.io`,
    ),
  };
  readonly #deps: EscalationCheckDeps;

  constructor(deps: EscalationCheckDeps) {
    this.#deps = deps;
  }

  validate({ resource, user, object, oldObject }: AdmissionAttributes): void {
    if (resource.resource.endsWith('bindings')) {
      type Binding = RoleBinding | ClusterRoleBinding;
      checkBindingWrite(this.#deps, user, object as Binding, oldObject as Binding | undefined);
    } else {
      checkRoleWrite(
        this.#deps,
        user,
        object as Role | ClusterRole,
        oldObject as Role | ClusterRole | undefined,
      );
    }
  }
}
