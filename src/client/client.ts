import type { ApiObject, DeepPartial, NewObject } from '#api/object.ts';
import { apiVersionOf, type ResourceType } from '#api/resource-type.ts';
import type { DeleteOptions, ListMeta } from '#api/types/meta.v1.ts';
import type { ApiRequest, PatchType, Transport, WatchEvent } from './transport.ts';

export interface ListQuery {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface ObjectList<T> {
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

export interface WriteQuery {
  /** Name under which `managedFields` records the write; the client's own when left out. */
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface PatchQuery extends WriteQuery {
  readonly type: PatchType;
  readonly subresource?: string;
  /** Server-side apply: take over fields that others own. */
  readonly force?: boolean;
}

/**
 * Typed access to the API over any {@link Transport}. Stateless; objects come back deep-frozen.
 * Every method throws what {@link Transport.request} throws.
 */
export class Client {
  readonly transport: Transport;
  readonly #fieldManager: string | undefined;

  /** @param fieldManager default manager name of this client's writes, such as `kube-controller-manager` */
  constructor(transport: Transport, fieldManager?: string) {
    this.transport = transport;
    this.#fieldManager = fieldManager;
  }

  /** Access to one resource: `client.of(POD).get('default', 'web')`. */
  of<T extends ApiObject>(resource: ResourceType<T>): ResourceClient<T> {
    return new ResourceClient(this.transport, resource, this.#fieldManager);
  }
}

/** The verbs of one resource. `namespace` is empty for cluster-scoped resources and lists over all namespaces. */
export class ResourceClient<T extends ApiObject> {
  readonly resource: ResourceType<T>;
  readonly #transport: Transport;
  readonly #fieldManager: string | undefined;

  constructor(transport: Transport, resource: ResourceType<T>, fieldManager: string | undefined) {
    this.#transport = transport;
    this.resource = resource;
    this.#fieldManager = fieldManager;
  }

  get(namespace: string, name: string, signal?: AbortSignal): Promise<T> {
    return this.#send<T>({ verb: 'get', namespace, name }, signal);
  }

  async list(namespace: string, query: ListQuery = {}, signal?: AbortSignal): Promise<ObjectList<T>> {
    const list = await this.#send<ObjectList<T>>({ verb: 'list', namespace, query: queryOf(query) }, signal);
    const [first] = list.items;
    // Servers leave kind and version out of the items of a list; who refers to an object needs them.
    return first === undefined || 'kind' in first
      ? list
      : { ...list, items: list.items.map((item: T) => Object.freeze(this.#typed(item)) as T) };
  }

  /** Creates the object in `metadata.namespace`. */
  create(object: NewObject<T>, query: WriteQuery = {}, signal?: AbortSignal): Promise<T> {
    const namespace = namespaceOf(object);
    return this.#send<T>(
      { verb: 'create', namespace, body: this.#typed(object), query: this.#writeQuery(query) },
      signal,
    );
  }

  /** Replaces the object; refused with `Conflict` when `metadata.resourceVersion` is set and stale. */
  update(object: T, query: WriteQuery = {}, signal?: AbortSignal): Promise<T> {
    return this.#put(object, undefined, query, signal);
  }

  updateStatus(object: T, query: WriteQuery = {}, signal?: AbortSignal): Promise<T> {
    return this.#put(object, 'status', query, signal);
  }

  patch(
    namespace: string,
    name: string,
    patch: DeepPartial<T> | readonly unknown[],
    query: PatchQuery,
    signal?: AbortSignal,
  ): Promise<T> {
    const { type, subresource, force, ...rest } = query;
    const write = this.#writeQuery(rest);
    return this.#send<T>(
      {
        verb: 'patch',
        namespace,
        name,
        body: patch,
        patchType: type,
        query: force === true ? { ...write, force: 'true' } : write,
        ...(subresource === undefined ? {} : { subresource }),
      },
      signal,
    );
  }

  /** Answers once the deletion was accepted; finalizers and grace periods may keep the object for a while. */
  async delete(
    namespace: string,
    name: string,
    options: Partial<DeleteOptions> = {},
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#send<unknown>({ verb: 'delete', namespace, name, body: options }, signal);
  }

  async deleteCollection(
    namespace: string,
    query: ListQuery = {},
    options: Partial<DeleteOptions> = {},
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#send<unknown>(
      { verb: 'deletecollection', namespace, body: options, query: queryOf(query) },
      signal,
    );
  }

  /** Creates a subresource object (`binding`, `eviction`, `token`) or reads one (`scale`). */
  subresource<R>(
    verb: 'get' | 'create' | 'update',
    target: { readonly namespace: string; readonly name: string; readonly subresource: string },
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<R> {
    return this.#send<R>({ verb, ...target, ...(body === undefined ? {} : { body }) }, signal);
  }

  watch(
    namespace: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    // The server answers with objects of the resource asked for.
    return this.#transport.watch({ resource: this.resource, namespace, query }, signal) as AsyncIterable<
      WatchEvent<T>
    >;
  }

  #put(object: T, subresource: string | undefined, query: WriteQuery, signal?: AbortSignal): Promise<T> {
    return this.#send<T>(
      {
        verb: 'update',
        namespace: namespaceOf(object),
        name: object.metadata.name,
        body: this.#typed(object),
        query: this.#writeQuery(query),
        ...(subresource === undefined ? {} : { subresource }),
      },
      signal,
    );
  }

  async #send<R>(request: Omit<ApiRequest, 'resource'>, signal?: AbortSignal): Promise<R> {
    // The server answers with an object of the resource asked for.
    return (await this.#transport.request({ ...request, resource: this.resource }, signal)) as R;
  }

  #typed(object: object): object {
    return { apiVersion: apiVersionOf(this.resource), kind: this.resource.kind, ...object };
  }

  #writeQuery({ fieldManager = this.#fieldManager, dryRun }: WriteQuery): Readonly<Record<string, string>> {
    return {
      ...(fieldManager === undefined ? {} : { fieldManager }),
      ...(dryRun === true ? { dryRun: 'All' } : {}),
    };
  }
}

function namespaceOf(object: { readonly metadata: { readonly namespace?: string | undefined } }): string {
  return object.metadata.namespace ?? '';
}

function queryOf(query: ListQuery): Readonly<Record<string, string>> {
  const parameters: Record<string, string> = {};
  for (const [key, value] of Object.entries(query) as [string, string | number | undefined][]) {
    if (value !== undefined) {
      parameters[key] = String(value);
    }
  }
  return parameters;
}
