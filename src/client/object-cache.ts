import { objectKey, type ApiObject } from '#api/object.ts';
import { assert } from '#base/assert.ts';
import type { Logger } from '#base/log.ts';
import type { Informer, InformerHandler } from './lister.ts';

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  /** Index value to the objects that have it, by key. A value without objects has no entry. */
  readonly buckets: Map<string, Map<string, T>>;
}

/**
 * The local copy behind an informer: objects by key, their indexes, and the handlers that are told of
 * changes. Whoever feeds it (list and watch, or a test) calls `replace`, `set` and `delete`.
 *
 * An object that took the name of another (same key, different UID) is told as a delete and an add, so
 * that no consumer has to compare UIDs in its update handler.
 */
export class ObjectCache<T extends ApiObject> implements Informer<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #log: Logger;
  #isStarted = false;
  #hasSynced = false;

  constructor(log: Logger) {
    this.#log = log;
    this.addIndex('namespace', (object) => [object.metadata.namespace ?? '']);
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    assert(index !== undefined, `no index named ${name}`);
    const bucket = index.buckets.get(value);
    return bucket === undefined ? [] : [...bucket.values()];
  }

  addHandler(handler: InformerHandler<T>): Disposable {
    // A wrapper, so that the same handler object added twice is told twice and removed once.
    const entry: InformerHandler<T> = {
      onAdd: (object) => handler.onAdd?.(object),
      onUpdate: (previous, current) => handler.onUpdate?.(previous, current),
      onDelete: (last) => handler.onDelete?.(last),
    };
    for (const object of this.#objects.values()) {
      this.#tell(entry, (told) => told.onAdd?.(object));
    }
    this.#handlers.add(entry);
    return { [Symbol.dispose]: () => void this.#handlers.delete(entry) };
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) {
      return;
    }
    assert(!this.#isStarted, `index ${name} must be added before the informer starts`);
    this.#indexes.set(name, { valuesOf, buckets: new Map() });
  }

  /** From here on indexes are fixed. */
  markStarted(): void {
    this.#isStarted = true;
  }

  /** Makes `objects` the whole content and tells the difference: deletions, then additions and updates. */
  replace(objects: readonly T[]): void {
    const keys = new Set(objects.map(objectKey));
    for (const key of this.#objects.keys()) {
      if (!keys.has(key)) {
        this.delete(key);
      }
    }
    for (const object of objects) {
      if (
        this.#objects.get(objectKey(object))?.metadata.resourceVersion !== object.metadata.resourceVersion
      ) {
        this.set(object);
      }
    }
    this.#hasSynced = true;
  }

  /** Adds the object or puts it in the place of its earlier state. */
  set(object: T): void {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined && previous.metadata.uid !== object.metadata.uid) {
      this.delete(key);
      this.set(object);
      return;
    }
    this.#objects.set(key, object);
    this.#reindex(key, previous, object);
    if (previous === undefined) {
      this.#tellAll((handler) => handler.onAdd?.(object));
    } else {
      this.#tellAll((handler) => handler.onUpdate?.(previous, object));
    }
  }

  delete(key: string): void {
    const previous = this.#objects.get(key);
    if (previous !== undefined) {
      this.#remove(key, previous, previous);
    }
  }

  /** Removes the object and tells its state at deletion, which may be newer than the copy. */
  remove(last: T): void {
    const key = objectKey(last);
    const previous = this.#objects.get(key);
    if (previous !== undefined) {
      this.#remove(key, previous, last);
    }
  }

  #remove(key: string, previous: T, last: T): void {
    this.#objects.delete(key);
    this.#reindex(key, previous, undefined);
    this.#tellAll((handler) => handler.onDelete?.(last));
  }

  #tellAll(tell: (handler: InformerHandler<T>) => void): void {
    for (const handler of this.#handlers) {
      this.#tell(handler, tell);
    }
  }

  #tell(handler: InformerHandler<T>, tell: (handler: InformerHandler<T>) => void): void {
    try {
      tell(handler);
    } catch (error) {
      // One broken consumer must not cost the others their events.
      this.#log.error('informer handler threw', { error });
    }
  }

  #reindex(key: string, previous: T | undefined, current: T | undefined): void {
    for (const { valuesOf, buckets } of this.#indexes.values()) {
      const valuesNow = current === undefined ? [] : valuesOf(current);
      for (const value of previous === undefined ? [] : valuesOf(previous)) {
        if (!valuesNow.includes(value)) {
          removeFromBucket(buckets, value, key);
        }
      }
      for (const value of valuesNow) {
        const bucket = buckets.get(value);
        if (current !== undefined) {
          if (bucket === undefined) {
            buckets.set(value, new Map([[key, current]]));
          } else {
            bucket.set(key, current);
          }
        }
      }
    }
  }
}

function removeFromBucket<T>(buckets: Map<string, Map<string, T>>, value: string, key: string): void {
  const bucket = buckets.get(value);
  bucket?.delete(key);
  if (bucket?.size === 0) {
    buckets.delete(value);
  }
}
