import type { GroupVersionResource } from '#api/resource-type.ts';

/** Where the keys of a resource differ from its plural name; kept as in etcd, so that backups can move. */
const PREFIXES: Readonly<Record<string, string>> = {
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  replicationcontrollers: 'controllers',
  ingresses: 'ingress',
};

/** Groups whose resources are kept below the group's name, as custom resources are. */
const QUALIFIED_GROUPS: ReadonlySet<string> = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

/** The prefix of all keys of a resource, with the slash at the end: `/registry/pods/`. */
export function storagePrefix(
  { group, resource }: Pick<GroupVersionResource, 'group' | 'resource'>,
  isCustom = false,
): string {
  if (isCustom || QUALIFIED_GROUPS.has(group)) {
    return `/registry/${group}/${resource}/`;
  }
  return `/registry/${(group === '' || group === 'networking.k8s.io' ? PREFIXES[resource] : undefined) ?? resource}/`;
}
