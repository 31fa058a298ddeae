import type { ApiObject } from '#api/object.ts';
import type { GroupVersionResource, ResourceType } from '#api/resource-type.ts';
import { assert } from '#base/assert.ts';
import type { TaskGroup } from '#base/task-group.ts';
import type { Revision } from '#store/store.ts';
import type { ObjectChange, ObjectReader } from '../object-reader.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { StoredObject } from './stored-object.ts';

type Callback = (change: ObjectChange<ApiObject>) => void;

/**
 * The current objects of one resource in memory, for the server's own synchronous reads.
 *
 * It is fed twice: by the write path, before the writer is answered, so that the next request sees the
 * write; and by a watch, which brings what this process did not write (leases running out, other API
 * servers on the same etcd). Per key only a newer revision counts, so the two never fight.
 */
class MirroredResource {
  readonly objects = new Map<string, Map<string, StoredObject>>();
  readonly callbacks = new Set<Callback>();
  readonly #storage: ResourceStorage;
  /** Revisions of deletions that the watch has not confirmed yet; without them an older put would come back. */
  readonly #deleted = new Map<string, Revision>();

  constructor(storage: ResourceStorage) {
    this.#storage = storage;
  }

  put(stored: StoredObject): void {
    const { metadata } = stored.object;
    const space = this.#space(metadata.namespace ?? '');
    const known = space.get(metadata.name);
    if (
      (known !== undefined && known.revision >= stored.revision) ||
      (this.#deleted.get(stored.key) ?? 0) >= stored.revision
    ) {
      return;
    }
    space.set(metadata.name, stored);
    this.#tell({ object: stored.object, previous: known?.object });
  }

  remove(key: string, revision: Revision, isFromWatch: boolean): void {
    if (!isFromWatch) {
      this.#deleted.set(key, revision);
    } else if ((this.#deleted.get(key) ?? Infinity) <= revision) {
      this.#deleted.delete(key);
    }
    const [first = '', second] = key.slice(this.#storage.prefix.length).split('/');
    const space = this.objects.get(second === undefined ? '' : first);
    const known = space?.get(second ?? first);
    if (space === undefined || known === undefined || known.revision >= revision) {
      return;
    }
    space.delete(second ?? first);
    this.#tell({ object: undefined, previous: known.object });
  }

  async follow(after: Revision, signal: AbortSignal): Promise<void> {
    for await (const { events } of this.#storage.deps.store.watch(this.#storage.prefix, { after }, signal)) {
      for (const event of events) {
        if (event.type === 'put') {
          this.put(this.#storage.view(event.kv));
        } else {
          this.remove(event.key, event.revision, true);
        }
      }
    }
  }

  async load(): Promise<Revision> {
    const { items, revision } = await this.#storage.deps.store.list(this.#storage.prefix);
    for (const entry of items) {
      this.put(this.#storage.view(entry));
    }
    return revision;
  }

  #space(namespace: string): Map<string, StoredObject> {
    let space = this.objects.get(namespace);
    if (space === undefined) {
      space = new Map();
      this.objects.set(namespace, space);
    }
    return space;
  }

  #tell(change: ObjectChange<ApiObject>): void {
    for (const callback of this.callbacks) {
      callback(change);
    }
  }
}

/** Mirrors of the resources that authorization and admission ask about. */
export class Mirrors implements ObjectReader {
  readonly #resources = new Map<string, MirroredResource>();

  /** Declares a resource as mirrored; the write path feeds it from now on. */
  add(storage: ResourceStorage): void {
    const mirror = new MirroredResource(storage);
    this.#resources.set(keyOf(storage.strategy.info), mirror);
    storage.mirror = mirror;
  }

  /** Reads what is stored, then follows it until the group closes. */
  async start(tasks: TaskGroup): Promise<void> {
    await Promise.all(
      [...this.#resources].map(async ([name, mirror]) => {
        const revision = await mirror.load();
        tasks.spawn(`mirror ${name}`, (signal) => mirror.follow(revision, signal));
      }),
    );
  }

  /** Mirrors one more resource from now on; nothing happens when it is mirrored already. */
  async include(storage: ResourceStorage, tasks: TaskGroup): Promise<void> {
    const name = keyOf(storage.strategy.info);
    if (this.#resources.has(name)) {
      return;
    }
    this.add(storage);
    const mirror = this.#of(storage.strategy.info);
    const revision = await mirror.load();
    tasks.spawn(`mirror ${name}`, (signal) => mirror.follow(revision, signal));
  }

  get<T>(type: ResourceType<T>, namespace: string, name: string): T | undefined {
    // A mirror holds only objects of its own resource.
    return this.#of(type).objects.get(namespace)?.get(name)?.object as T | undefined;
  }

  list<T>(type: ResourceType<T>, namespace: string): readonly T[] {
    const { objects } = this.#of(type);
    const spaces = namespace === '' ? [...objects.values()] : [objects.get(namespace)];
    return spaces.flatMap((space) => [...(space?.values() ?? [])].map(({ object }) => object as T));
  }

  onChange<T>(type: ResourceType<T>, callback: (change: ObjectChange<T>) => void): () => void {
    const { callbacks } = this.#of(type);
    const untyped = callback as Callback;
    callbacks.add(untyped);
    return () => callbacks.delete(untyped);
  }

  #of(type: GroupVersionResource): MirroredResource {
    const mirror = this.#resources.get(keyOf(type));
    assert(mirror !== undefined, `${type.resource} is not mirrored; add it to MIRRORED in registry.ts`);
    return mirror;
  }
}

function keyOf({ group, version, resource }: GroupVersionResource): string {
  return `${group}/${version}/${resource}`;
}
