import type { ResourceType } from '#api/resource-type.ts';
import { invalid } from '#api/status-error.ts';
import type { ParamKind } from '#api/types/admissionregistration.v1.ts';
import { MUTATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY } from '#api/types/resources.ts';
import { SYSTEM_MASTERS, type UserInfo } from '../../authn/user.ts';
import { decisionOn, type Authorizer } from '../../authz/authorizer.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { kindOfParams, type ServedKinds } from '../policies/policy-params.ts';
import type { AnyBinding, AnyPolicy } from '../policies/policy-source.ts';

export interface ParamAccessDeps {
  readonly reader: ObjectReader;
  readonly kinds: ServedKinds;
  readonly authorizer: Authorizer;
}

const BINDINGS: ReadonlyMap<string, ResourceType<AnyPolicy>> = new Map<string, ResourceType<AnyPolicy>>([
  ['validatingadmissionpolicybindings', VALIDATING_ADMISSION_POLICY],
  ['mutatingadmissionpolicybindings', MUTATING_ADMISSION_POLICY],
]);

/**
 * Nobody reads through a policy what they may not read themselves. Upstream does this while it validates, so that
 * it cannot be switched off; here it stands in the chain because it asks who writes.
 */
export class ParamAccess implements ValidatingPlugin {
  readonly name = 'ParamAccess';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE'],
    resources: [
      'validatingadmissionpolicies',
      'mutatingadmissionpolicies',
      'validatingadmissionpolicybindings',
      'mutatingadmissionpolicybindings',
    ].map((resource) => `${resource}.admissionregistration.k8s.io`),
  };
  readonly #deps: ParamAccessDeps;

  constructor(deps: ParamAccessDeps) {
    this.#deps = deps;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    if (attributes.user.groups.includes(SYSTEM_MASTERS)) {
      return;
    }
    const policies = BINDINGS.get(attributes.resource.resource);
    if (policies === undefined) {
      await this.#checkPolicy(attributes);
    } else {
      await this.#checkBinding(attributes, policies);
    }
  }

  /** Who names a kind has to be able to read all its objects. */
  async #checkPolicy(attributes: AdmissionAttributes): Promise<void> {
    const { user, object, oldObject } = attributes;
    const { paramKind } = (object as unknown as AnyPolicy).spec;
    const old = (oldObject as unknown as AnyPolicy | undefined)?.spec.paramKind;
    if (paramKind === undefined || isSame(paramKind, old)) {
      return;
    }
    if (!(await this.#mayRead(user, paramKind, '*', '*'))) {
      const { kind = '', apiVersion = '' } = paramKind;
      throw refuse(
        attributes,
        'spec.paramKind',
        `user ${describe(user)} must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`,
      );
    }
  }

  /** Who names an object has to be able to read it. */
  async #checkBinding(attributes: AdmissionAttributes, policies: ResourceType<AnyPolicy>): Promise<void> {
    const { user, object, oldObject } = attributes;
    const { paramRef, policyName = '' } = (object as unknown as AnyBinding).spec;
    const old = (oldObject as unknown as AnyBinding | undefined)?.spec;
    if (paramRef === undefined || (isSame(paramRef, old?.paramRef) && policyName === old?.policyName)) {
      return;
    }
    const paramKind = this.#deps.reader.get(policies, '', policyName)?.spec.paramKind;
    const { name = '', namespace = '' } = paramRef;
    if (!(await this.#mayRead(user, paramKind, namespace, name))) {
      throw refuse(
        attributes,
        'spec.paramRef',
        `user ${describe(user)} does not have "get" permission on the object referenced by paramRef`,
      );
    }
  }

  /** A kind that is not known needs the right to read all. */
  async #mayRead(
    user: UserInfo,
    paramKind: ParamKind | undefined,
    namespace: string,
    name: string,
  ): Promise<boolean> {
    const kind = paramKind === undefined ? { group: '*', version: '*', kind: '' } : kindOfParams(paramKind);
    const { outcome } = await decisionOn(this.#deps.authorizer, {
      user,
      verb: 'get',
      namespace,
      apiGroup: kind.group,
      apiVersion: kind.version,
      resource: this.#deps.kinds.find(kind)?.resource ?? '*',
      subresource: '',
      name,
      isResourceRequest: true,
      path: '',
    });
    return outcome === 'allow';
  }
}

function isSame(left: object, right: object | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** As Go prints one. */
function describe({ name, uid = '', groups, extra }: UserInfo): string {
  const more = Object.entries(extra)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, values]) => `${key}:[${values.join(' ')}]`);
  return `&{${name} ${uid} [${groups.join(' ')}] map[${more.join(' ')}]}`;
}

function refuse({ kind, object }: AdmissionAttributes, path: string, detail: string): Error {
  return invalid(kind, object?.metadata.name ?? '', [{ path, reason: 'FieldValueForbidden', detail }]);
}
