import type { OwnerReference } from '#api/types/meta.v1.ts';
import { decisionOn, type Attributes, type Authorizer, type Decision } from '../../authz/authorizer.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { kindOfParams, type ServedKinds } from '../policies/policy-params.ts';

interface Deps {
  readonly authorizer: Authorizer;
  readonly kinds: ServedKinds;
}

type Question = Pick<Attributes, 'verb' | 'apiGroup' | 'apiVersion' | 'resource' | 'name'> &
  Partial<Pick<Attributes, 'namespace' | 'subresource'>>;

/** Who hangs an object on another one has to be able to delete it, and to hold up the other's end. */
export class OwnerReferencesPermissionEnforcement implements ValidatingPlugin {
  readonly name = 'OwnerReferencesPermissionEnforcement';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: 'all' };
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    const { operation, resource, subresource, namespace, name } = attributes;
    const owners = ownersOf(attributes.object);
    const known = ownersOf(attributes.oldObject);
    const isPodStatus = resource.group === '' && resource.resource === 'pods' && subresource === 'status';
    if (isPodStatus || JSON.stringify(owners) === JSON.stringify(known)) {
      return;
    }
    if (operation !== 'CREATE') {
      const { group, version } = resource;
      const deletion = await this.#ask(attributes, {
        verb: 'delete',
        namespace,
        apiGroup: group,
        apiVersion: version,
        resource: resource.resource,
        subresource,
        name,
      });
      refuseUnless(deletion, attributes, "cannot set an ownerRef on a resource you can't delete");
    }
    const blocking = owners.filter(
      ({ uid, blockOwnerDeletion }) =>
        blockOwnerDeletion === true && known.find((each) => each.uid === uid)?.blockOwnerDeletion !== true,
    );
    if (blocking.length > 0) {
      await this.#checkBlocking(attributes, blocking);
    }
  }

  async #checkBlocking(attributes: AdmissionAttributes, blocking: readonly OwnerReference[]): Promise<void> {
    const all = { apiGroup: '*', apiVersion: '*', resource: '*', name: '*' };
    const { outcome } = await this.#ask(attributes, { verb: 'update', subresource: 'finalizers', ...all });
    if (outcome === 'allow') {
      return;
    }
    for (const { apiVersion, kind, name } of blocking) {
      const type = kindOfParams({ apiVersion, kind });
      const found = this.#deps.kinds.find(type);
      if (found === undefined) {
        throw forbid(
          attributes,
          `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`,
        );
      }
      const finalizing = await this.#ask(attributes, {
        verb: 'update',
        namespace: found.isNamespaced ? attributes.namespace : '',
        apiGroup: type.group,
        apiVersion: type.version,
        resource: found.resource,
        subresource: 'finalizers',
        name,
      });
      refuseUnless(
        finalizing,
        attributes,
        "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on",
      );
    }
  }

  #ask({ user }: AdmissionAttributes, question: Question): Decision | Promise<Decision> {
    return decisionOn(this.#deps.authorizer, {
      namespace: '',
      subresource: '',
      ...question,
      user,
      isResourceRequest: true,
      path: '',
    });
  }
}

/** The objects of subresources may have no metadata at all. */
function ownersOf(object: AdmissionAttributes['object']): readonly OwnerReference[] {
  const { metadata }: { readonly metadata?: { readonly ownerReferences?: readonly OwnerReference[] } } =
    object ?? {};
  return metadata?.ownerReferences ?? [];
}

function refuseUnless(
  { outcome, reason, error }: Decision,
  attributes: AdmissionAttributes,
  why: string,
): void {
  if (outcome !== 'allow') {
    throw forbid(attributes, `${why}: ${reason}, ${error ?? '<nil>'}`);
  }
}
