import rawResources from './tables/resources.json' with { type: 'json' };
import type { GroupVersionKind, GroupVersionResource } from './resource-type.ts';

export interface SubresourceInfo extends GroupVersionKind {
  /** `get`, `update`, `patch`, `create`, or `connect` for the streaming ones. */
  readonly verbs: readonly string[];
}

/** A served built-in resource, as discovery describes it. */
export interface ResourceInfo extends GroupVersionResource, GroupVersionKind {
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: Readonly<Record<string, SubresourceInfo>>;
  /** The kind of lists where it is not the kind with `List` after it. */
  readonly listKind?: string;
  /** The version of a custom resource in which its objects are stored. */
  readonly storageVersion?: string;
}

const ALL_VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

type RawResource = Omit<ResourceInfo, 'verbs' | 'shortNames' | 'categories' | 'subresources'> &
  Partial<Pick<ResourceInfo, 'verbs' | 'shortNames' | 'categories' | 'subresources'>>;

/** Every resource of v1.36, groups in discovery order, stable versions first. */
export const RESOURCES: readonly ResourceInfo[] = (rawResources as unknown as readonly RawResource[]).map(
  (raw) => ({
    ...raw,
    verbs: raw.verbs ?? ALL_VERBS,
    shortNames: raw.shortNames ?? [],
    categories: raw.categories ?? [],
    subresources: raw.subresources ?? {},
  }),
);

/** Beta and alpha versions are off unless `--runtime-config` turns them on. */
export function isServedByDefault({ version }: GroupVersionResource): boolean {
  return !/alpha|beta/.test(version);
}

const byPath = new Map(RESOURCES.map((info) => [`${info.group}/${info.version}/${info.resource}`, info]));
const byKind = new Map(RESOURCES.map((info) => [`${info.group}/${info.version}/${info.kind}`, info]));

/** A built-in resource; undefined for custom ones and those that do not exist. */
export function resourceInfo({ group, version, resource }: GroupVersionResource): ResourceInfo | undefined {
  return byPath.get(`${group}/${version}/${resource}`);
}

/** The built-in resource whose objects are of this kind. */
export function resourceOfKind({ group, version, kind }: GroupVersionKind): ResourceInfo | undefined {
  return byKind.get(`${group}/${version}/${kind}`);
}
