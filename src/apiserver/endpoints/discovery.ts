import { createHash } from 'node:crypto';
import type { APIGroupDiscovery } from '#api/types/apidiscovery.v2.ts';
import type {
  APIGroup,
  APIGroupList,
  APIResource,
  APIResourceList,
  APIVersions,
} from '#api/types/meta.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import { versionViewOf } from '../registry/versions/version-views.ts';

/** What discovery lists: built-in resources, and later those of CustomResourceDefinitions. */
export interface DiscoverySource {
  /** In discovery order: groups by priority, stable versions first. */
  resources(): readonly ResourceInfo[];
}

/** Subresources that carry no kind of their own in discovery beside the one in the table. */
function apiResources(info: ResourceInfo): readonly APIResource[] {
  const { resource, singular, namespaced, kind, verbs, shortNames, categories } = info;
  const main = {
    name: resource,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(verbs.includes('watch') ? { storageVersionHash: storageHash(info) } : {}),
  };
  const subresources = Object.entries(info.subresources).map(([name, sub]) => ({
    name: `${resource}/${name}`,
    singularName: '',
    namespaced,
    ...(sub.group === info.group && sub.version === info.version
      ? {}
      : { group: sub.group, version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs.includes('connect') ? connectVerbs(name) : sub.verbs,
  }));
  return [main, ...subresources];
}

/** Streaming subresources answer to the HTTP methods their clients use. */
function connectVerbs(name: string): readonly string[] {
  return name === 'proxy' ? ['create', 'delete', 'get', 'patch', 'update'] : ['create', 'get'];
}

/** A short stand-in for the type that objects are stored as, the same in every server. */
function storageHash(info: ResourceInfo): string {
  const { group, version } = versionViewOf(info)?.storage ?? info;
  const stored = `${group}/${info.storageVersion ?? version}/${info.kind}`;
  return createHash('sha256').update(stored).digest().subarray(0, STORAGE_HASH_BYTES).toString('base64');
}

const STORAGE_HASH_BYTES = 8;

export function apiVersions(serverAddress: string): APIVersions {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  } as unknown as APIVersions;
}

export function apiGroupList(source: DiscoverySource): APIGroupList {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: apiGroups(source) } as unknown as APIGroupList;
}

export function apiGroups(source: DiscoverySource): readonly APIGroup[] {
  const versions = new Map<string, string[]>();
  for (const { group, version } of source.resources()) {
    if (group !== '') {
      const known = versions.get(group) ?? [];
      versions.set(group, known.includes(version) ? known : [...known, version]);
    }
  }
  return [...versions].map(([name, served]) => {
    const listed = served.map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return {
      name,
      versions: listed,
      preferredVersion: listed[0] ?? { groupVersion: name, version: '' },
    };
  });
}

export function apiResourceList(
  source: DiscoverySource,
  group: string,
  version: string,
): APIResourceList | undefined {
  const mine = source.resources().filter((info) => info.group === group && info.version === version);
  if (mine.length === 0) {
    return undefined;
  }
  const resources = mine.flatMap(apiResources).toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources,
  } as unknown as APIResourceList;
}

/** All groups and resources in one answer (KEP-3352); `isCore` chooses between `/api` and `/apis`. */
export function aggregatedDiscovery(
  source: DiscoverySource,
  isCore: boolean,
): { readonly items: readonly APIGroupDiscovery[] } {
  const groups = new Map<string, Map<string, ResourceInfo[]>>();
  for (const info of source.resources()) {
    if ((info.group === '') === isCore) {
      const versions = groups.get(info.group) ?? new Map<string, ResourceInfo[]>();
      groups.set(info.group, versions);
      versions.set(info.version, [...(versions.get(info.version) ?? []), info]);
    }
  }
  const list = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    // Inside the list the groups carry no type of their own.
    items: [...groups].map(([name, versions]) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: [...versions].map(([version, infos]) => ({
        version,
        resources: infos
          .toSorted((left, right) => (left.resource < right.resource ? -1 : 1))
          .map(resourceDiscovery),
        freshness: 'Current',
      })),
    })) as unknown as readonly APIGroupDiscovery[],
  };
  return list;
}

function resourceDiscovery(info: ResourceInfo): object {
  const subresources = Object.entries(info.subresources).map(([name, sub]) => ({
    subresource: name,
    responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
    verbs: sub.verbs.includes('connect') ? connectVerbs(name) : sub.verbs,
  }));
  return {
    resource: info.resource,
    responseKind: { group: info.group, version: info.version, kind: info.kind },
    scope: info.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: info.singular,
    verbs: info.verbs,
    ...(info.shortNames.length > 0 ? { shortNames: info.shortNames } : {}),
    ...(info.categories.length > 0 ? { categories: info.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
