import type { ApiObject, DeepPartial } from '#api/object.ts';
import { resourceOfKind } from '#api/resource-table.ts';
import { parseApiVersion, type ResourceType } from '#api/resource-type.ts';
import type { ObjectChange, ObjectReader } from './object-reader.ts';

type Listener = (change: ObjectChange<unknown>) => void;

/** An {@link ObjectReader} over a plain map, for tests. Objects are put in and taken out by hand. */
export class ObjectsInMemory implements ObjectReader {
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  readonly #listeners = new Map<string, Set<Listener>>();

  /** Adds or replaces objects; what the server would have filled in gets a default. */
  put(...objects: readonly DeepPartial<ApiObject>[]): void {
    for (const partial of objects) {
      const object = completed(partial);
      const kindKey = kindKeyOf(object);
      const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
      const kept = this.#objects.getOrInsertComputed(kindKey, () => new Map());
      const previous = kept.get(key);
      kept.set(key, object);
      this.#tell(kindKey, { object, previous });
    }
  }

  remove<T>(type: ResourceType<T>, namespace: string, name: string): void {
    const kindKey = `${type.group}/${type.kind}`;
    const key = `${namespace}/${name}`;
    const previous = this.#objects.get(kindKey)?.get(key);
    this.#objects.get(kindKey)?.delete(key);
    this.#tell(kindKey, { object: undefined, previous });
  }

  get<T>(type: ResourceType<T>, namespace: string, name: string): T | undefined {
    return this.#objects.get(`${type.group}/${type.kind}`)?.get(`${namespace}/${name}`) as T | undefined;
  }

  list<T>(type: ResourceType<T>, namespace: string): readonly T[] {
    const all = [...(this.#objects.get(`${type.group}/${type.kind}`)?.values() ?? [])];
    const inScope = all.filter(({ metadata }) => namespace === '' || metadata.namespace === namespace);
    return inScope as unknown as readonly T[];
  }

  onChange<T>(type: ResourceType<T>, callback: (change: ObjectChange<T>) => void): () => void {
    const listeners = this.#listeners.getOrInsertComputed(`${type.group}/${type.kind}`, () => new Set());
    const listener = callback as Listener;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #tell(kindKey: string, change: ObjectChange<ApiObject>): void {
    for (const listener of this.#listeners.get(kindKey) ?? []) {
      listener(change);
    }
  }
}

function kindKeyOf({ apiVersion, kind }: ApiObject): string {
  return `${parseApiVersion(apiVersion).group}/${kind}`;
}

function completed(partial: DeepPartial<ApiObject>): ApiObject {
  const { apiVersion = 'v1', kind = '', metadata = {} } = partial;
  const { group, version } = parseApiVersion(apiVersion);
  const isNamespaced = resourceOfKind({ group, version, kind })?.namespaced ?? false;
  return {
    spec: {},
    ...partial,
    apiVersion,
    kind,
    metadata: {
      ...(isNamespaced ? { namespace: 'default' } : {}),
      uid: `uid-${metadata.name ?? ''}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
  } as ApiObject;
}
