import type { APIGroupDiscovery, APIVersionDiscovery } from '#api/types/apidiscovery.v2.ts';
import type { APIGroup } from '#api/types/meta.v1.ts';
import { compareVersions } from '../crd/version-order.ts';
import { builtInPriority, CUSTOM_PRIORITY } from './group-priorities.ts';
import type { RemoteApi } from './remote-api.ts';

/** A version that an extension server answers, as discovery shows it. */
export interface RemoteVersion {
  readonly api: RemoteApi;
  readonly discovery: APIVersionDiscovery;
}

/** The part of a group that both forms of discovery have. */
interface Group<V> {
  readonly name: string;
  /** High ones come first. */
  readonly priority: number;
  readonly versions: readonly V[];
}

/** The groups of the old form, with those of extension servers where their priority puts them. */
export function mergeGroups(
  local: readonly APIGroup[],
  remotes: readonly RemoteVersion[],
): readonly APIGroup[] {
  const merged = merge(
    local.map(({ name, versions }) => ({ name, priority: localPriority(name), versions })),
    remotes,
    ({ api }) => ({ groupVersion: `${api.group}/${api.version}`, version: api.version }),
  );
  return merged.map(({ name, versions: [preferredVersion, ...others] }) => ({
    name,
    versions: [preferredVersion, ...others].filter((version) => version !== undefined),
    preferredVersion: preferredVersion ?? { groupVersion: name, version: '' },
  }));
}

/** The same for the items of the new form. */
export function mergeAggregated(
  local: readonly APIGroupDiscovery[],
  remotes: readonly RemoteVersion[],
): readonly object[] {
  const merged = merge(
    local.map(({ metadata: { name }, versions = [] }) => ({
      name,
      priority: localPriority(name),
      versions,
    })),
    remotes,
    ({ discovery }) => discovery,
  );
  return merged.map(({ name, versions }) => ({
    metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
    versions,
  }));
}

function merge<V extends { readonly version: string }>(
  local: readonly Group<V>[],
  remotes: readonly RemoteVersion[],
  show: (remote: RemoteVersion) => V,
): readonly Group<V>[] {
  const merged = [...local];
  for (const [name, versions] of Map.groupBy(remotes, ({ api }) => api.group)) {
    const at = merged.findIndex((group) => group.name === name);
    const known = merged[at];
    const shown = mergeVersions(name, known?.versions ?? [], versions, show);
    if (known !== undefined) {
      merged[at] = { ...known, versions: shown };
      continue;
    }
    const added = {
      name,
      priority: Math.max(...versions.map(({ api }) => api.groupPriority)),
      versions: shown,
    };
    const next = merged.findIndex((group) => comesBefore(added, group));
    merged.splice(next < 0 ? merged.length : next, 0, added);
  }
  return merged;
}

function localPriority(name: string): number {
  // The group that describes groups stands first, whatever comes.
  return name === 'apiregistration.k8s.io'
    ? Number.POSITIVE_INFINITY
    : (builtInPriority(name, 'v1') ?? CUSTOM_PRIORITY).group;
}

function comesBefore(added: Group<unknown>, other: Group<unknown>): boolean {
  return added.priority > other.priority || (added.priority === other.priority && added.name < other.name);
}

function mergeVersions<V extends { readonly version: string }>(
  group: string,
  local: readonly V[],
  remotes: readonly RemoteVersion[],
  show: (remote: RemoteVersion) => V,
): readonly V[] {
  const replaced = new Set(remotes.map(({ api }) => api.version));
  return [
    ...local
      .filter(({ version }) => !replaced.has(version))
      .map((shown) => ({
        shown,
        priority: (builtInPriority(group, shown.version) ?? CUSTOM_PRIORITY).version,
      })),
    ...remotes.map((remote) => ({ shown: show(remote), priority: remote.api.versionPriority })),
  ]
    .toSorted(
      (left, right) =>
        right.priority - left.priority || compareVersions(left.shown.version, right.shown.version),
    )
    .map(({ shown }) => shown);
}
