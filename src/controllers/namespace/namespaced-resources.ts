import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { isServedByDefault, RESOURCES } from '#api/resource-table.ts';

/** The built-in resources that live in namespaces and can be deleted, each in one served version. */
export function namespacedResources(): readonly ResourceType<ApiObject>[] {
  const byName = new Map<string, ResourceType<ApiObject>>();
  for (const info of RESOURCES) {
    const { group, version, resource, kind, namespaced, verbs } = info;
    const name = `${group}/${resource}`;
    const isWanted =
      namespaced && verbs.includes('list') && verbs.includes('delete') && isServedByDefault(info);
    if (isWanted && !byName.has(name)) {
      byName.set(name, { group, version, resource, kind, isNamespaced: true });
    }
  }
  return [...byName.values()];
}
