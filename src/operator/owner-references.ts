import type { ApiObject } from '#api/object.ts';
import type { OwnerReference } from '#api/types/meta.v1.ts';
import { controllerReference } from '#controllers/runner/controller-reference.ts';

/** An object that no reference may lead to from where the other one is; the garbage collector would delete it. */
export class OwnerReferenceError extends Error {
  override readonly name = 'OwnerReferenceError';
  readonly code = 'controller/owner-reference';
}

/** The reference that makes `owner` the one manager of an object, which is deleted with it. */
export { controllerReference };

/** A reference of an owner that is not the manager; an object may have many. */
export function ownerReference({ apiVersion, kind, metadata }: ApiObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid };
}

/**
 * @param namespace of the object to be owned; empty for objects of the cluster
 * @throws {OwnerReferenceError} an owner in a namespace owns only what is in that namespace
 */
export function assertMayOwn(owner: ApiObject, namespace: string): void {
  const own = owner.metadata.namespace ?? '';
  if (own === '' || own === namespace) {
    return;
  }
  throw new OwnerReferenceError(
    namespace === ''
      ? `cluster-scoped resource must not have a namespace-scoped owner, owner's namespace ${own}; leave out the owner and delete it in a finalizer`
      : `cross-namespace owner references are disallowed, owner's namespace ${own}, obj's namespace ${namespace}; create it in the owner's namespace, or delete it in a finalizer`,
  );
}
