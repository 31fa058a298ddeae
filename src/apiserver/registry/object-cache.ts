import type { ApiObject } from '#api/object.ts';
import { deepFreeze } from '#codec/canonical.ts';
import type { KeyValue, Revision } from '#store/store.ts';
import { StoredObject, type StoredLayout } from './stored-object.ts';

/** Bytes of stored values whose views one resource keeps; beyond it the oldest views are let go. */
const CACHED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Views of current objects by key, so that a revision is parsed at most once however many readers ask.
 * Losing an entry costs a parse and nothing else.
 */
export class ObjectCache {
  readonly #layout: StoredLayout;
  readonly #read: (entry: KeyValue) => StoredObject;
  readonly #views = new Map<string, StoredObject>();
  /** The view that the current one of a key replaced, for as long as somebody else holds it. */
  readonly #replaced = new WeakMap<StoredObject, WeakRef<StoredObject>>();
  #bytes = 0;

  /** @param read makes the view of an entry that is not cached */
  constructor(layout: StoredLayout, read: (entry: KeyValue) => StoredObject) {
    this.#layout = layout;
    this.#read = read;
  }

  /**
   * The view of a state that may no longer be the newest, if one is at hand. Every change is looked at together with the
   * state before it, which was the current one a moment ago.
   */
  past({ key, modRevision }: KeyValue): StoredObject | undefined {
    const known = this.#views.get(key);
    const view =
      known === undefined || known.revision === modRevision ? known : this.#replaced.get(known)?.deref();
    return view?.revision === modRevision ? view : undefined;
  }

  /** The view of an entry read from the store. */
  view(entry: KeyValue): StoredObject {
    const known = this.#views.get(entry.key);
    if (known !== undefined && known.revision === entry.modRevision) {
      return known;
    }
    const view = this.#read(entry);
    // A historical read must not push out the newer view.
    if (known === undefined || known.revision < view.revision) {
      this.#keep(view);
    }
    return view;
  }

  /** The view of a value written at `revision`, from the object it was encoded from. */
  written(key: string, bytes: Uint8Array, revision: Revision, object: ApiObject): StoredObject {
    const known = this.#views.get(key);
    if (known !== undefined && known.revision >= revision) {
      return known.revision === revision
        ? known
        : new StoredObject(key, bytes, revision, this.#layout, undefined);
    }
    const stamped = deepFreeze({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    });
    const view = new StoredObject(key, bytes, revision, this.#layout, stamped);
    this.#keep(view);
    return view;
  }

  /** Forgets a deleted key. */
  forget(key: string): void {
    const known = this.#views.get(key);
    if (known !== undefined) {
      this.#bytes -= known.bytes.length;
      this.#views.delete(key);
    }
  }

  #keep(view: StoredObject): void {
    const known = this.#views.get(view.key);
    if (known !== undefined) {
      this.#replaced.set(view, new WeakRef(known));
      this.forget(view.key);
    }
    this.#views.set(view.key, view);
    this.#bytes += view.bytes.length;
    if (this.#bytes > CACHED_BYTES_MAX) {
      this.#evict();
    }
  }

  #evict(): void {
    // Map order is insertion order, so the first keys are those written or read longest ago.
    for (const key of this.#views.keys()) {
      this.forget(key);
      if (this.#bytes <= CACHED_BYTES_MAX * 0.9) {
        return;
      }
    }
  }
}
