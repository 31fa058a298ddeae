import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';

/** The resource that a definition defines, in one served version; undefined until it is established. */
export function customResourceType({
  spec,
  status,
}: CustomResourceDefinition): ResourceType<ApiObject> | undefined {
  const isEstablished = (status.conditions ?? []).some(
    (condition) => condition.type === 'Established' && condition.status === 'True',
  );
  // The stored version needs no conversion.
  const version =
    spec.versions.find(({ served, storage }) => served && storage) ??
    spec.versions.find(({ served }) => served);
  if (!isEstablished || version === undefined) {
    return undefined;
  }
  const { plural, kind } = status.acceptedNames;
  return {
    group: spec.group,
    version: version.name,
    resource: plural,
    kind,
    isNamespaced: spec.scope === 'Namespaced',
  };
}

/** The resources of all established definitions whose objects live in namespaces. */
export function namespacedCustomResources(
  definitions: readonly CustomResourceDefinition[],
): readonly ResourceType<ApiObject>[] {
  return definitions
    .map(customResourceType)
    .filter((resource) => resource !== undefined)
    .filter(({ isNamespaced }) => isNamespaced);
}
