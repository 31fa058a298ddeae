import { objectKey, type ApiObject, type NewObject } from '#api/object.ts';
import { apiVersionOf, type GroupVersionResource, type ResourceType } from '#api/resource-type.ts';
import { resourceInfo } from '#api/resource-table.ts';
import { alreadyExists, conflict, expired, notFound } from '#api/status-error.ts';
import type { DeleteOptions, ObjectMeta } from '#api/types/meta.v1.ts';
import { assert, unreachable } from '#base/assert.ts';
import { BoundedQueue } from '#base/bounded-queue.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { Clock } from '#base/clock.ts';
import { deepFreeze } from '#codec/canonical.ts';
import type { ApiRequest, Transport, WatchEvent, WatchRequest } from './transport.ts';

interface Watcher {
  readonly prefix: string;
  readonly namespace: string;
  readonly queue: BoundedQueue<WatchEvent>;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The in-memory twin of a transport, for unit tests of what stands on one: objects by key, one revision,
 * optimistic locking, watch, and nothing else of a server. It does not default, validate, admit or select;
 * `merge` and `strategic` patches are both merged as JSON, finalizers hold a deletion back.
 */
export class MemoryTransport implements Transport {
  /** Every request in order, for tests that count writes. */
  readonly requests: ApiRequest[] = [];
  /** Set to let a request fail: the error returned is thrown instead of an answer. */
  onRequest: ((request: ApiRequest) => Error | undefined) | undefined;
  readonly #clock: Clock;
  readonly #objects = new Map<string, ApiObject>();
  readonly #history: { readonly path: string; readonly event: WatchEvent }[] = [];
  readonly #watchers = new Set<Watcher>();
  #revision = 0;
  #compacted = 0;

  constructor(clock: Clock = new VirtualClock()) {
    this.#clock = clock;
  }

  /** What is stored under a key, as the next reader will see it. */
  peek<T extends ApiObject>(resource: ResourceType<T>, key: string): T | undefined {
    // Only objects of the resource are stored under its prefix.
    return this.#objects.get(prefixOf(resource) + key) as T | undefined;
  }

  all<T extends ApiObject>(resource: ResourceType<T>): readonly T[] {
    return this.#under(prefixOf(resource), '') as readonly T[];
  }

  /** Puts an object there as if some other client had, whatever is stored now. */
  put<T extends ApiObject>(resource: ResourceType<T>, object: NewObject<T>): T {
    const { name = '', namespace = '' }: Partial<ObjectMeta> = object.metadata;
    const previous = this.#objects.get(prefixOf(resource) + objectKey({ metadata: { name, namespace } }));
    return this.#write(resource, previous === undefined ? 'ADDED' : 'MODIFIED', object, previous) as T;
  }

  /** Deletes at once, finalizers or not. */
  drop<T extends ApiObject>(resource: ResourceType<T>, key: string): void {
    const object = this.#objects.get(prefixOf(resource) + key);
    assert(object !== undefined, `nothing at ${key}`);
    this.#write(resource, 'DELETED', object, object);
  }

  /** Forgets the changes made so far: watches from an earlier revision are refused as expired. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history.length = 0;
  }

  /** Ends all watches, as a server that restarts does. */
  disconnect(): void {
    for (const watcher of this.#watchers) {
      watcher.queue.close();
    }
    this.#watchers.clear();
  }

  async request(request: ApiRequest): Promise<unknown> {
    this.requests.push(request);
    const failure = this.onRequest?.(request);
    if (failure !== undefined) {
      throw failure;
    }
    const { verb, resource, namespace = '' } = request;
    const key = prefixOf(resource) + (namespace === '' ? '' : `${namespace}/`) + (request.name ?? '');
    switch (verb) {
      case 'list':
        return {
          metadata: { resourceVersion: String(this.#revision) },
          items: this.#under(prefixOf(resource), namespace),
        };
      case 'create':
        return this.#create(request, key);
      case 'get':
        return this.#existing(request, key);
      case 'update':
        return this.#update(request, this.#existing(request, key));
      case 'patch':
        return this.#patch(request, this.#existing(request, key));
      case 'delete':
        return this.#delete(request, this.#existing(request, key));
      case 'deletecollection':
        return this.#under(prefixOf(resource), namespace).map((object) => this.#delete(request, object));
      default:
        return unreachable(verb);
    }
  }

  async *watch(
    { resource, namespace = '', query }: WatchRequest,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent> {
    const from = Number(query['resourceVersion'] ?? 0);
    if (from < this.#compacted) {
      throw expired(`too old resource version: ${from} (${this.#compacted})`);
    }
    const prefix = prefixOf(resource);
    const watcher: Watcher = { prefix, namespace, queue: new BoundedQueue(100_000) };
    for (const { path, event } of this.#history) {
      if (Number(event.object.metadata.resourceVersion) > from) {
        offer(watcher, path, event);
      }
    }
    const close = (): void => watcher.queue.close();
    this.#watchers.add(watcher);
    signal.addEventListener('abort', close, { once: true });
    try {
      for (
        let events = await watcher.queue.takeAll();
        events !== undefined;
        events = await watcher.queue.takeAll()
      ) {
        yield* events;
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', close);
    }
  }

  #create({ resource, body, namespace = '', subresource }: ApiRequest, key: string): ApiObject {
    const object = asObject(body);
    const metadata = object['metadata'] as Json;
    if (subresource !== undefined) {
      return deepFreeze(structuredClone(object)) as unknown as ApiObject;
    }
    const name =
      (metadata['name'] as string | undefined) ?? `${String(metadata['generateName'])}${this.#revision + 1}`;
    if (this.#objects.has(key + name)) {
      throw alreadyExists(resource, name);
    }
    const named = { ...object, metadata: { ...metadata, name, ...(namespace === '' ? {} : { namespace }) } };
    return this.#write(resource, 'ADDED', named, undefined);
  }

  #update({ resource, body, subresource }: ApiRequest, current: ApiObject): ApiObject {
    const sent = asObject(body);
    checkRevision(resource, sent, current);
    const isStatus = subresource === 'status';
    const wanted = isStatus ? { ...current, metadata: sent['metadata'], status: sent['status'] } : sent;
    return this.#write(resource, 'MODIFIED', wanted, current);
  }

  #patch({ resource, body }: ApiRequest, current: ApiObject): ApiObject {
    const patch = asObject(body);
    checkRevision(resource, patch, current);
    const { uid } = (patch['metadata'] ?? {}) as { readonly uid?: string };
    if (uid !== undefined && uid !== current.metadata.uid) {
      throw conflict(resource, current.metadata.name, 'the UID in the patch is another object');
    }
    return this.#write(resource, 'MODIFIED', asObject(mergePatch(current, patch)), current);
  }

  #delete({ resource, body }: ApiRequest, current: ApiObject): ApiObject {
    const { preconditions } = (body ?? {}) as Partial<DeleteOptions>;
    if (preconditions?.uid !== undefined && preconditions.uid !== current.metadata.uid) {
      throw conflict(resource, current.metadata.name, 'the UID in the precondition is another object');
    }
    if ((current.metadata.finalizers ?? []).length > 0) {
      const deletionTimestamp = current.metadata.deletionTimestamp ?? this.#timestamp();
      return this.#write(
        resource,
        'MODIFIED',
        mergePatch(current, { metadata: { deletionTimestamp } }) as Json,
        current,
      );
    }
    return this.#write(resource, 'DELETED', current, current);
  }

  #write(
    resource: GroupVersionResource,
    type: WatchEvent['type'],
    object: object,
    previous?: ApiObject,
  ): ApiObject {
    this.#revision += 1;
    const { metadata, ...rest } = structuredClone(object) as unknown as Json & { readonly metadata: Json };
    const info = resourceInfo(resource);
    const stored = deepFreeze({
      apiVersion: apiVersionOf(resource),
      kind: info?.kind ?? '',
      ...('data' in rest ? {} : { spec: {}, status: {} }),
      ...rest,
      metadata: {
        uid: previous?.metadata.uid ?? `uid-${this.#revision}`,
        creationTimestamp: previous?.metadata.creationTimestamp ?? this.#timestamp(),
        ...metadata,
        resourceVersion: String(this.#revision),
      },
    }) as unknown as ApiObject;
    const path = prefixOf(resource) + objectKey(stored);
    const { deletionTimestamp, finalizers = [] } = stored.metadata;
    const isGone =
      type === 'DELETED' ||
      (type === 'MODIFIED' &&
        deletionTimestamp !== undefined &&
        finalizers.length === 0 &&
        previous?.metadata.finalizers !== undefined);
    if (isGone) {
      this.#objects.delete(path);
    } else {
      this.#objects.set(path, stored);
    }
    const event: WatchEvent = { type: isGone ? 'DELETED' : type, object: stored };
    this.#history.push({ path, event });
    for (const watcher of this.#watchers) {
      offer(watcher, path, event);
    }
    return stored;
  }

  #existing({ resource, name = '' }: ApiRequest, key: string): ApiObject {
    const object = this.#objects.get(key);
    if (object === undefined) {
      throw notFound(resource, name);
    }
    return object;
  }

  #under(prefix: string, namespace: string): readonly ApiObject[] {
    const under = namespace === '' ? prefix : `${prefix}${namespace}/`;
    return [...this.#objects].filter(([path]) => path.startsWith(under)).map(([, object]) => object);
  }

  #timestamp(): string {
    return `${new Date(this.#clock.nowMs()).toISOString().slice(0, 19)}Z`;
  }
}

function prefixOf({ group, resource }: GroupVersionResource): string {
  return `${group}/${resource}:`;
}

function offer({ prefix, namespace, queue }: Watcher, path: string, event: WatchEvent): void {
  if (path.startsWith(namespace === '' ? prefix : `${prefix}${namespace}/`)) {
    assert(queue.offer(event), 'a watcher of the memory transport fell behind');
  }
}

function checkRevision(resource: GroupVersionResource, sent: Json, { metadata }: ApiObject): void {
  const { resourceVersion } = (sent['metadata'] ?? {}) as { readonly resourceVersion?: string };
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(resource, metadata.name, why);
  }
}

function asObject(body: unknown): Json {
  assert(typeof body === 'object' && body !== null && !Array.isArray(body), 'a body must be an object');
  return body as Json;
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return patch;
  }
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const merged: Record<string, unknown> = isObject ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[key];
    } else if (value !== undefined) {
      merged[key] = mergePatch(merged[key], value);
    }
  }
  return merged;
}
