import type { ApiObject } from '#api/object.ts';
import { isServedByDefault, RESOURCES } from '#api/resource-table.ts';
import type { ResourceType } from '#api/resource-type.ts';

const NEEDED_VERBS = ['delete', 'list', 'watch'] as const;

/** The built-in resources that can have owners or be owners, each in one served version. Events never do. */
export function collectableResources(): readonly ResourceType<ApiObject>[] {
  const byName = new Map<string, ResourceType<ApiObject>>();
  for (const info of RESOURCES) {
    const { group, version, resource, kind, namespaced, verbs } = info;
    const isWanted = NEEDED_VERBS.every((verb) => verbs.includes(verb)) && isServedByDefault(info);
    if (isWanted && resource !== 'events' && !byName.has(`${group}/${resource}`)) {
      byName.set(`${group}/${resource}`, { group, version, resource, kind, isNamespaced: namespaced });
    }
  }
  return [...byName.values()];
}
