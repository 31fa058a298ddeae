import { listAt, recordAt, textAt, groupVersionOf } from './object-access.ts';
import { isNotFound } from '#api/status-error.ts';
import type { RestClient } from './rest-client.ts';

/** A resource as discovery describes it. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural name, as it stands in paths. */
  readonly resource: string;
  readonly singular: string;
  readonly isNamespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** Every resource of the server: groups in the server's order, each group's preferred version first. */
export async function discover(client: RestClient): Promise<readonly ApiResource[]> {
  const [core, groups] = await Promise.all([
    client.request({ path: '/api', accept: AGGREGATED }),
    client.request({ path: '/apis', accept: AGGREGATED }),
  ]);
  if (
    textAt(core, 'kind') === 'APIGroupDiscoveryList' &&
    textAt(groups, 'kind') === 'APIGroupDiscoveryList'
  ) {
    return [...listAt(core, 'items'), ...listAt(groups, 'items')].flatMap(resourcesOfGroup);
  }
  const versions = [
    ...listAt(core, 'versions').map((version) => ({
      path: `/api/${String(version)}`,
      groupVersion: String(version),
    })),
    ...listAt(groups, 'groups').flatMap((group) =>
      preferredFirst(group).map((groupVersion) => ({ path: `/apis/${groupVersion}`, groupVersion })),
    ),
  ];
  const lists = await Promise.all(
    versions.map(({ path, groupVersion }) => legacyResources(client, path, groupVersion)),
  );
  return lists.flat();
}

function resourcesOfGroup(group: unknown): readonly ApiResource[] {
  const name = textAt(group, 'metadata', 'name');
  return listAt(group, 'versions').flatMap((version) =>
    listAt(version, 'resources').flatMap((resource): readonly ApiResource[] => {
      const kind = textAt(resource, 'responseKind', 'kind');
      return kind === ''
        ? []
        : [
            {
              group: name,
              version: textAt(version, 'version'),
              kind,
              resource: textAt(resource, 'resource'),
              singular: textAt(resource, 'singularResource'),
              isNamespaced: textAt(resource, 'scope') === 'Namespaced',
              shortNames: texts(listAt(resource, 'shortNames')),
              categories: texts(listAt(resource, 'categories')),
              verbs: texts(listAt(resource, 'verbs')),
              subresources: listAt(resource, 'subresources').map((each) => textAt(each, 'subresource')),
            },
          ];
    }),
  );
}

function preferredFirst(group: unknown): readonly string[] {
  const preferred = textAt(group, 'preferredVersion', 'groupVersion');
  const all = listAt(group, 'versions').map((version) => textAt(version, 'groupVersion'));
  return [preferred, ...all.filter((version) => version !== preferred)].filter((version) => version !== '');
}

async function legacyResources(
  client: RestClient,
  path: string,
  groupVersion: string,
): Promise<readonly ApiResource[]> {
  let list: unknown;
  try {
    list = await client.request({ path });
  } catch (error) {
    // A group that is being removed is still named for a moment.
    if (isNotFound(error)) {
      return [];
    }
    throw error;
  }
  const entries = listAt(list, 'resources');
  const names = entries.map((entry) => textAt(entry, 'name'));
  return entries
    .filter((entry) => !textAt(entry, 'name').includes('/'))
    .map((entry) => ({
      ...groupVersionOf(groupVersion),
      kind: textAt(entry, 'kind'),
      resource: textAt(entry, 'name'),
      singular: textAt(entry, 'singularName') || textAt(entry, 'kind').toLowerCase(),
      isNamespaced: recordAt(entry)['namespaced'] === true,
      shortNames: texts(listAt(entry, 'shortNames')),
      categories: texts(listAt(entry, 'categories')),
      verbs: texts(listAt(entry, 'verbs')),
      subresources: names
        .filter((name) => name.startsWith(`${textAt(entry, 'name')}/`))
        .map((name) => name.slice(textAt(entry, 'name').length + 1)),
    }));
}

function texts(values: readonly unknown[]): readonly string[] {
  return values.filter((value) => typeof value === 'string');
}
