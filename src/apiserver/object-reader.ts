import type { ResourceType } from '#api/resource-type.ts';

/** One change of one object, as the server's own caches see it. */
export interface ObjectChange<T> {
  /** Undefined when the object was deleted. */
  readonly object: T | undefined;
  /** Undefined when the object is new. */
  readonly previous: T | undefined;
}

/**
 * What the server's own parts (authorizers, admission, token checks) may know of the cluster's state.
 *
 * Reads are synchronous and come from memory. They reflect every write that was acknowledged, so that a
 * binding just created grants its rights to the very next request. Objects are frozen and shared.
 */
export interface ObjectReader {
  /** `namespace` is empty for objects of the cluster. */
  get<T>(type: ResourceType<T>, namespace: string, name: string): T | undefined;
  /** All objects of a namespace, or of every namespace when `namespace` is empty. */
  list<T>(type: ResourceType<T>, namespace: string): readonly T[];
  /**
   * Calls `callback` for every change from now on, in commit order and before the writer is answered.
   * A caller that lists first and subscribes in the same turn misses nothing.
   *
   * @returns ends the subscription
   */
  onChange<T>(type: ResourceType<T>, callback: (change: ObjectChange<T>) => void): () => void;
}
