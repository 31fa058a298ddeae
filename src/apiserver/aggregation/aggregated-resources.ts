import type { ApiObject } from '#api/object.ts';
import { apiVersionOf, type ResourceType } from '#api/resource-type.ts';
import type { RemoteVersion } from './merged-discovery.ts';

/** What extension servers have, for those who go through everything there is. */
export interface AggregatedResources {
  /** Resources with objects in namespaces that can be listed and deleted, each in one version. */
  readonly namespaced: readonly ResourceType<ApiObject>[];
  /** Groups and versions whose servers do not say what they have: `metrics.k8s.io/v1beta1`. */
  readonly undiscovered: readonly string[];
}

export function aggregatedResources(versions: readonly RemoteVersion[]): AggregatedResources {
  const byName = new Map<string, ResourceType<ApiObject>>();
  const ordered = versions.toSorted((left, right) => right.api.versionPriority - left.api.versionPriority);
  for (const { api, discovery } of ordered) {
    for (const { resource, scope, verbs, responseKind } of discovery.resources ?? []) {
      const name = `${resource}.${api.group}`;
      const isWanted = ['list', 'delete'].every((verb) => (verbs ?? []).includes(verb));
      if (isWanted && scope === 'Namespaced' && !byName.has(name)) {
        const { group, version } = api;
        byName.set(name, { group, version, resource, kind: responseKind?.kind ?? '', isNamespaced: true });
      }
    }
  }
  return {
    namespaced: [...byName.values()],
    undiscovered: versions
      .filter(({ discovery }) => discovery.freshness === 'Stale')
      .map(({ api }) => apiVersionOf(api)),
  };
}
