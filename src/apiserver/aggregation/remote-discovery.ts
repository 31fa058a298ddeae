import type { APIResource, APIResourceList } from '#api/types/meta.v1.ts';
import type {
  APIGroupDiscoveryList,
  APIResourceDiscovery,
  APIVersionDiscovery,
} from '#api/types/apidiscovery.v2.ts';
import type { ExtensionClient } from './extension-client.ts';
import { rootPathOf, type RemoteApi } from './remote-api.ts';

const TIMEOUT_MS = 5000;
const AGGREGATED = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');

/** What clients see of a version whose server did not say what it has. */
export function unknownVersion({ version }: RemoteApi): APIVersionDiscovery {
  return { version, freshness: 'Stale' };
}

/** Asks an extension server what it has, in the new form, and in the old one if it does not know that. @throws {Error} */
export async function fetchVersion(client: ExtensionClient, api: RemoteApi): Promise<APIVersionDiscovery> {
  const { code, contentType, body } = await client.get(api, '/apis', {
    accept: AGGREGATED,
    timeoutMs: TIMEOUT_MS,
  });
  if (code === 200 && contentType.includes('g=apidiscovery.k8s.io')) {
    const { items } = JSON.parse(body) as Pick<APIGroupDiscoveryList, 'items'>;
    const group = (items ?? []).find(({ metadata }) => metadata.name === api.group);
    const found = group?.versions?.find(({ version }) => version === api.version);
    return { ...(found ?? { version: api.version }), freshness: 'Current' };
  }
  const path = rootPathOf(api);
  const legacy = await client.get(api, path, { accept: 'application/json', timeoutMs: TIMEOUT_MS });
  if (legacy.code !== 200) {
    throw new Error(`failed to download discovery for ${path}: status ${legacy.code}`);
  }
  const list = JSON.parse(legacy.body) as Pick<APIResourceList, 'resources'>;
  return { version: api.version, resources: asDiscovery(list.resources ?? []), freshness: 'Current' };
}

/** The old form names subresources `pods/log` beside their resource; the new one has them inside it. */
export function asDiscovery(resources: readonly APIResource[]): readonly APIResourceDiscovery[] {
  const subresources = Map.groupBy(
    resources.filter(({ name }) => name.includes('/')),
    ({ name }) => name.slice(0, name.indexOf('/')),
  );
  return resources
    .filter(({ name }) => !name.includes('/'))
    .map((resource) => {
      const inside = subresources.get(resource.name) ?? [];
      return {
        resource: resource.name,
        ...responseKindOf(resource),
        scope: resource.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: resource.singularName,
        verbs: resource.verbs,
        ...(resource.shortNames === undefined ? {} : { shortNames: resource.shortNames }),
        ...(resource.categories === undefined ? {} : { categories: resource.categories }),
        ...(inside.length === 0
          ? {}
          : {
              subresources: inside.map((sub) => ({
                subresource: sub.name.slice(sub.name.indexOf('/') + 1),
                ...responseKindOf(sub),
                verbs: sub.verbs,
              })),
            }),
      };
    });
}

function responseKindOf({
  group = '',
  version = '',
  kind,
}: APIResource): Pick<APIResourceDiscovery, 'responseKind'> {
  return kind === '' ? {} : { responseKind: { group, version, kind } };
}
