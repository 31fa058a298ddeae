import { NO_OPINION, type Attributes, type Authorizer, type Decision } from './authorizer.ts';
import { rulesAllow } from './policy-rule.ts';
import { missingRole, type RbacGrants } from './rbac-grants.ts';

/** Allows what a role bound to the user allows; never denies. */
export class RbacAuthorizer implements Authorizer {
  readonly #grants: RbacGrants;

  constructor(grants: RbacGrants) {
    this.#grants = grants;
  }

  authorize(attributes: Attributes): Decision {
    const missing = new Set<string>();
    // Rules for paths are not looked for in namespaces: a path has none.
    const namespace = attributes.isResourceRequest ? attributes.namespace : '';
    const grant = this.#grants.findGrant(attributes.user, namespace, ({ roleRef, namespace }) => {
      const rules = this.#grants.compiledRules(roleRef, namespace);
      if (rules === undefined) {
        missing.add(missingRole(roleRef));
        return false;
      }
      return rulesAllow(rules, attributes);
    });
    if (grant !== undefined) {
      return grant.decision;
    }
    return missing.size === 0
      ? NO_OPINION
      : { outcome: 'noOpinion', reason: `RBAC: ${aggregate([...missing])}` };
  }
}

/** Several errors in one text: `[a, b]`, or the only one as it is. */
export function aggregate(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]`;
}
