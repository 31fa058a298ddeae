import type { ApiObject } from '#api/object.ts';
import { resourceOfKind } from '#api/resource-table.ts';
import type { GroupVersionKind } from '#api/resource-type.ts';
import type { ParamObjects, ServedKinds } from '../admission/policies/policy-params.ts';
import type { Registry } from './registry.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { VersionView } from './versions/version-view.ts';
import { versionViewOf } from './versions/version-views.ts';

/** What policies know of the kinds that are served. Parameters come from the store, which is always up to date. */
export function servedKinds(registry: Registry): ServedKinds {
  return {
    find(kind) {
      const served = servedKind(registry, kind);
      return served === undefined ? undefined : objectsOf(served);
    },
    structOf(kind) {
      const served = servedKind(registry, kind);
      return served === undefined ? undefined : (served.view ?? served.storage.strategy).struct;
    },
  };
}

interface ServedKind {
  readonly storage: ResourceStorage;
  readonly view: VersionView | undefined;
}

function servedKind(registry: Registry, wanted: GroupVersionKind): ServedKind | undefined {
  const builtIn = resourceOfKind(wanted);
  if (builtIn !== undefined) {
    const version = versionViewOf(builtIn);
    const storage = registry.storage(version?.storage ?? builtIn);
    return storage === undefined ? undefined : { storage, view: version?.view };
  }
  const { group, version, kind } = wanted;
  const info = registry.custom
    .resources()
    .find((each) => each.group === group && each.version === version && each.kind === kind);
  const served = info === undefined ? undefined : registry.custom.find(info);
  return served === undefined ? undefined : { storage: served.storage, view: undefined };
}

function objectsOf({ storage, view }: ServedKind): ParamObjects {
  const show = async (object: ApiObject): Promise<ApiObject> =>
    view === undefined ? object : view.fromStorage(object);
  return {
    resource: storage.strategy.info.resource,
    isNamespaced: storage.strategy.info.namespaced,
    async get(namespace, name) {
      const stored = await storage.find(namespace, name);
      return stored === undefined ? undefined : show(stored.object);
    },
    async list(namespace) {
      const { items } = await storage.deps.store.list(storage.prefixOf(namespace));
      await storage.prepare(items);
      return Promise.all(items.map((entry) => show(storage.view(entry).object)));
    },
  };
}
