import type { ApiObject } from '#api/object.ts';
import type { OwnerReference } from '#api/types/meta.v1.ts';

/** The one owner that manages the object, if it has one. */
export function controllerOf(object: ApiObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** The reference that makes `owner` the manager of an object. */
export function controllerReference({ apiVersion, kind, metadata }: ApiObject): OwnerReference {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Index of objects by the UID of their controller; those without one are under `orphan/<namespace>`. */
export const CONTROLLER_INDEX = 'controller';

/** The values of an object in {@link CONTROLLER_INDEX}. */
export function controllerIndexValues(object: ApiObject): readonly string[] {
  return [controllerOf(object)?.uid ?? orphanIndexValue(object.metadata.namespace ?? '')];
}

export function orphanIndexValue(namespace: string): string {
  return `orphan/${namespace}`;
}
