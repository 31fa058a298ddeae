import type { GroupVersionResource } from '#api/resource-type.ts';
import type { ApiObject } from '#api/object.ts';

/**
 * Carries requests to an API server. Two kinds exist: loopback (same process, frozen objects instead of
 * bytes, the same pipeline) and HTTPS. Every failure is a `StatusError`, or `ConnectionError` when no
 * answer came.
 */
export interface Transport {
  /**
   * Sends one request and returns the answered object (a list object for `list`), deep-frozen.
   *
   * @throws {StatusError}     the server refused
   * @throws {ConnectionError} no answer; a write may or may not have happened
   * @throws {DOMException}    `AbortError` when `signal` fires first; likewise
   */
  request(request: ApiRequest, signal?: AbortSignal): Promise<unknown>;

  /**
   * Opens a watch. The iteration ends when the server ends it (time-out, restart) or `signal` fires.
   *
   * @throws {StatusError} refused, or `Expired` when `resourceVersion` was compacted
   */
  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchEvent>;
}

/** JSON patch, JSON merge patch, strategic merge patch, server-side apply. */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface ApiRequest {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  readonly resource: GroupVersionResource;
  /** Empty or left out for cluster-scoped resources and for lists over all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  /** `status`, `scale`, `binding`, `eviction`, `token`, … */
  readonly subresource?: string;
  /** The object, patch, or DeleteOptions sent along. */
  readonly body?: unknown;
  /** With verb `patch`. */
  readonly patchType?: PatchType;
  /** Query parameters by their API names: `labelSelector`, `fieldManager`, `dryRun`, `limit`, … */
  readonly query?: Readonly<Record<string, string>>;
}

export interface WatchRequest {
  readonly resource: GroupVersionResource;
  readonly namespace?: string;
  /** `resourceVersion`, `labelSelector`, `fieldSelector`, `allowWatchBookmarks`, `sendInitialEvents`, … */
  readonly query: Readonly<Record<string, string>>;
}

/** One change, as the API words it. `BOOKMARK` carries only a resourceVersion and annotations. */
export interface WatchEvent<T extends ApiObject = ApiObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** No answer came: refused, reset, timed out. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code = 'client/connection';
}
