import type { ApiObject } from '#api/object.ts';
import { apiVersionOf, type GroupVersionResource } from '#api/resource-type.ts';
import { StatusError } from '#api/status-error.ts';
import type { UserInfo } from '#apiserver/authn/user.ts';
import { infoOf, shown } from '#apiserver/http/served-objects.ts';
import type { ApiCall, ApiResult, Served } from '#apiserver/endpoints/api-call.ts';
import type { ApiHandler } from '#apiserver/endpoints/api-handler.ts';
import { listKind, listMetadata } from '#apiserver/http/write-result.ts';
import type { WatchItem } from '#apiserver/registry/watch.ts';
import type { RequestInfo } from '#apiserver/request-info.ts';
import { assert } from '#base/assert.ts';
import { deepFreeze } from '#codec/canonical.ts';
import { carriedEvents, carriedObject } from './carried-answer.ts';
import type { ApiRequest, PatchType, Transport, WatchEvent, WatchRequest } from '#client/transport.ts';

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/**
 * Requests within one process: the same pipeline as over the network (authorization, admission,
 * validation, durable writes) for a fixed identity, with frozen objects in place of bytes.
 */
export class LoopbackTransport implements Transport {
  readonly #handler: Pick<ApiHandler, 'handle'>;
  readonly #user: UserInfo;
  readonly #userAgent: string;

  /** @param userAgent the component's name; it is recorded in `managedFields` when a request names no manager */
  constructor(handler: Pick<ApiHandler, 'handle'>, user: UserInfo, userAgent: string) {
    this.#handler = handler;
    this.#user = user;
    this.#userAgent = userAgent;
  }

  async request(request: ApiRequest, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    const result = await this.#handler.handle(this.#call(request, request.verb, signal));
    signal?.throwIfAborted();
    return result.kind === 'bytes' ? carriedObject(result) : valueOf(result);
  }

  async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const result = await this.#handler.handle(this.#call(request, 'watch', signal));
    if (result.kind === 'bytes') {
      yield* carriedEvents(result);
      return;
    }
    assert(result.kind === 'watch', 'a watch answers with a watch');
    for await (const items of result.batches) {
      for (const item of items) {
        yield eventOf(item, result);
      }
    }
  }

  #call(request: ApiRequest | WatchRequest, verb: string, signal: AbortSignal | undefined): ApiCall {
    const { namespace = '', resource, query } = request;
    const {
      name = '',
      subresource = '',
      body,
      patchType,
    } = 'verb' in request ? request : ({} as Partial<ApiRequest>);
    const info: RequestInfo = {
      verb,
      path: pathOf(resource, namespace, name),
      isResource: true,
      group: resource.group,
      version: resource.version,
      resource: resource.resource,
      subresource,
      namespace: resource.resource === 'namespaces' && namespace === '' ? name : namespace,
      name,
      rest: [],
    };
    const contentType = patchType === undefined ? 'application/json' : PATCH_TYPES[patchType];
    return {
      info,
      query: new URLSearchParams(query),
      user: this.#user,
      userAgent: this.#userAgent,
      body: body === undefined ? undefined : { kind: 'object', object: body, contentType },
      wantsAggregatedDiscovery: false,
      signal: signal ?? NEVER,
      warnings: [],
    };
  }
}

const NEVER = new AbortController().signal;

function pathOf({ group, version, resource }: GroupVersionResource, namespace: string, name: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespace === '' ? '' : `/namespaces/${namespace}`}/${resource}${name === '' ? '' : `/${name}`}`;
}

function valueOf(result: ApiResult): unknown {
  switch (result.kind) {
    case 'stored':
      return shown(result.stored.object, result);
    case 'value':
      return deepFreeze(result.value);
    case 'page': {
      const info = infoOf(result);
      const items = result.page.items.map(({ object }) => shown(object, result));
      return {
        kind: listKind(info),
        apiVersion: apiVersionOf(info),
        metadata: listMetadata(result.page),
        items,
      };
    }
    default:
      throw new StatusError({
        code: 400,
        reason: 'BadRequest',
        message: 'this request is answered by a stream',
      });
  }
}

function eventOf(item: WatchItem, served: Served): WatchEvent {
  if (item.type !== 'BOOKMARK') {
    return { type: item.type, object: shown(item.stored.object, served) };
  }
  const info = infoOf(served);
  const annotations = item.isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const object = {
    apiVersion: apiVersionOf(info),
    kind: info.kind,
    metadata: {
      name: '',
      uid: '',
      creationTimestamp: '',
      resourceVersion: String(item.revision),
      ...annotations,
    },
  } satisfies ApiObject;
  return { type: 'BOOKMARK', object };
}
