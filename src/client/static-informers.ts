import { apiVersionOf, type ResourceType } from '#api/resource-type.ts';
import { objectKey, parseObjectKey, type ApiObject, type NewObject } from '#api/object.ts';
import type { ObjectMeta } from '#api/types/meta.v1.ts';
import { assert } from '#base/assert.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { deepFreeze } from '#codec/canonical.ts';
import type { Informer, Informers, InformerScope } from './lister.ts';
import { ObjectCache } from './object-cache.ts';

interface ScopedCache {
  readonly cache: ObjectCache<ApiObject>;
  readonly isInScope: (object: ApiObject) => boolean;
}

/**
 * The in-memory twin of the informers: a test sets and deletes objects by hand and handlers run at once.
 * What the server would stamp (UID, revision, creation time) is filled in where the test left it out.
 */
export class StaticInformers implements Informers {
  readonly #resources = new Map<
    string,
    { objects: Map<string, ApiObject>; scopes: Map<string, ScopedCache> }
  >();
  #revision = 0;
  #isStarted = false;

  of<T extends ApiObject>(resource: ResourceType<T>, scope: InformerScope = {}): Informer<T> {
    const { objects, scopes } = this.#resource(resource);
    const scopeKey = JSON.stringify([scope.namespace, scope.labelSelector, scope.fieldSelector]);
    let scoped = scopes.get(scopeKey);
    if (scoped === undefined) {
      scoped = { cache: new ObjectCache<ApiObject>(SILENT_LOGGER), isInScope: scopeFilter(scope) };
      scopes.set(scopeKey, scoped);
      // Indexes may be added until `start`, so content arrives only then.
      if (this.#isStarted) {
        scoped.cache.replace([...objects.values()].filter(scoped.isInScope));
      }
    }
    // The cache of a resource holds only objects of that resource's type.
    return scoped.cache as unknown as Informer<T>;
  }

  /**
   * Adds or replaces an object, and returns it as consumers see it: frozen, with server-made metadata. `spec`
   * and `status` are empty where left out, because the server never leaves structs out.
   */
  set<T extends ApiObject>(resource: ResourceType<T>, object: NewObject<T>): T {
    const { objects, scopes } = this.#resource(resource);
    const { metadata, ...rest }: { readonly metadata: Partial<ObjectMeta> } = structuredClone(object);
    const { name, namespace = '' } = metadata;
    assert(name !== undefined && name !== '', 'an object needs a name');
    const previous = objects.get(objectKey({ metadata: { name, namespace } }));
    this.#revision += 1;
    const complete = deepFreeze({
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      spec: {},
      status: {},
      ...rest,
      metadata: {
        uid: previous?.metadata.uid ?? `uid-${this.#revision}`,
        creationTimestamp: previous?.metadata.creationTimestamp ?? '2026-01-01T00:00:00Z',
        ...metadata,
        name,
        resourceVersion: String(this.#revision),
      },
    });
    objects.set(objectKey(complete), complete);
    if (this.#isStarted) {
      for (const { cache, isInScope } of scopes.values()) {
        if (isInScope(complete)) {
          cache.set(complete);
        } else {
          cache.delete(objectKey(complete));
        }
      }
    }
    // Complete as far as a test needs: the caller gave the fields of T that its subject reads.
    return complete as unknown as T;
  }

  /** Deletes by key (`namespace/name`, or `name`). */
  delete<T extends ApiObject>(resource: ResourceType<T>, key: string): void {
    const { objects, scopes } = this.#resource(resource);
    assert(objects.delete(key), `${resource.resource} ${parseObjectKey(key).name} was never set`);
    for (const { cache } of scopes.values()) {
      cache.delete(key);
    }
  }

  /** Delivers what was set so far; from here on changes are delivered as they are made. */
  forget(): void {
    // Nothing runs that could end.
  }

  start(): void {
    this.#isStarted = true;
    for (const { objects, scopes } of this.#resources.values()) {
      for (const { cache, isInScope } of scopes.values()) {
        cache.markStarted();
        cache.replace([...objects.values()].filter(isInScope));
      }
    }
  }

  async whenSynced(): Promise<void> {
    assert(this.#isStarted, 'start the informers first');
  }

  async close(): Promise<void> {
    this.#isStarted = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #resource({ group, resource }: { readonly group: string; readonly resource: string }): {
    objects: Map<string, ApiObject>;
    scopes: Map<string, ScopedCache>;
  } {
    const name = `${group}/${resource}`;
    let entry = this.#resources.get(name);
    if (entry === undefined) {
      entry = { objects: new Map(), scopes: new Map() };
      this.#resources.set(name, entry);
    }
    return entry;
  }
}

/** Knows equality requirements only, which is all that informers in this program ask for. */
function scopeFilter({
  namespace,
  labelSelector,
  fieldSelector,
}: InformerScope): (object: ApiObject) => boolean {
  const labels = equalities(labelSelector);
  const fields = equalities(fieldSelector);
  return (object) =>
    (namespace === undefined || namespace === '' || object.metadata.namespace === namespace) &&
    labels.every(({ path, value, isEqual }) => (object.metadata.labels?.[path] === value) === isEqual) &&
    fields.every(({ path, value, isEqual }) => (fieldAt(object, path) === value) === isEqual);
}

function equalities(
  selector: string | undefined,
): readonly { readonly path: string; readonly value: string; readonly isEqual: boolean }[] {
  return (selector ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^([^=!]+)(!=|==?)(.*)$/.exec(part);
      assert(match !== null, `the twin knows equality selectors only, not ${part}`);
      return { path: match[1] ?? '', value: match[3] ?? '', isEqual: match[2] !== '!=' };
    });
}

function fieldAt(object: ApiObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
  }
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
    ? String(value)
    : '';
}
