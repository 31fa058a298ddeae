import type { ApiObject } from '#api/object.ts';
import { notFound } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { InVersion } from '#codec/managed-fields/apply-across-versions.ts';
import { encodeStored } from '#codec/stored-form.ts';
import type { KeyValue, Revision, Store, StoreEvent } from '#store/store.ts';
import type { ObjectVersions } from '../admission/admission.ts';
import type { AdmissionChain } from '../admission/admission-chain.ts';
import type { EncryptedStore } from '../encryption/encrypted-store.ts';
import type { EncryptionAtRest } from '../encryption/encryption-at-rest.ts';
import type { EventView } from './event-view.ts';
import type { MirrorFeed } from './mirror-feed.ts';
import { ObjectCache } from './object-cache.ts';
import { storagePrefix } from './storage-keys.ts';
import { storedLayout, StoredObject, type StoredLayout } from './stored-object.ts';
import type { DraftObject, Strategy } from './strategy.ts';
import { builtInVersions } from './versions/built-in-versions.ts';
import type { VersionView } from './versions/version-view.ts';
import { otherVersionsOf } from './versions/version-views.ts';

export interface StorageDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly admission: Pick<AdmissionChain, 'handles' | 'admit' | 'validate'>;
  /** Left out, values are stored as they are. */
  readonly encryption?: Pick<EncryptionAtRest, 'storeFor'> | undefined;
}

/**
 * The objects of one resource in the store: keys, bytes and revisions on one side, objects on the other.
 * The verbs (`create.ts`, `update.ts`, …) are functions over it.
 */
export class ResourceStorage {
  readonly deps: StorageDeps;
  readonly strategy: Strategy;
  readonly layout: StoredLayout;
  readonly prefix: string;
  readonly cache: ObjectCache;
  /** Live watchers share event objects, so what is derived from one is kept with it and goes with it. */
  readonly eventViews = new WeakMap<StoreEvent, EventView>();
  /** Set when the server's own parts read this resource synchronously. */
  mirror: MirrorFeed | undefined;
  readonly #encrypted: EncryptedStore | undefined;

  readonly #views: readonly VersionView[];

  constructor(deps: StorageDeps, strategy: Strategy, options: { readonly isCustom?: boolean } = {}) {
    this.#encrypted = deps.encryption?.storeFor(strategy.info, deps.store);
    this.deps = this.#encrypted === undefined ? deps : { ...deps, store: this.#encrypted };
    this.strategy = strategy;
    this.#views = otherVersionsOf(strategy.info);
    this.layout = storedLayout(strategy.info);
    this.prefix = storagePrefix(strategy.info, options.isCustom);
    this.cache = new ObjectCache(this.layout, (entry) => this.pastView(entry));
  }

  /** Everything in a namespace, or in all of them when it is empty. */
  prefixOf(namespace: string): string {
    return namespace === '' ? this.prefix : `${this.prefix}${namespace}/`;
  }

  keyOf(namespace: string, name: string): string {
    return this.strategy.info.namespaced ? `${this.prefix}${namespace}/${name}` : `${this.prefix}${name}`;
  }

  /** The newest committed state, or undefined. */
  async find(namespace: string, name: string): Promise<StoredObject | undefined> {
    const entry = await this.deps.store.get(this.keyOf(namespace, name));
    if (entry === undefined) {
      return undefined;
    }
    const preparing = this.prepare([entry]);
    if (preparing !== undefined) {
      await preparing;
    }
    const view = this.view(entry);
    this.#encrypted?.renew(view.bytes, entry.value);
    return view;
  }

  /** @throws {StatusError} NotFound */
  async get(namespace: string, name: string): Promise<StoredObject> {
    const found = await this.find(namespace, name);
    if (found === undefined) {
      throw notFound(this.strategy.info, name);
    }
    return found;
  }

  /**
   * Makes entries ready to be viewed, where that takes time: a webhook converts them. Undefined, and nothing to wait
   * for, for all others.
   */
  prepare(_entries: readonly KeyValue[]): Promise<void> | undefined {
    return undefined;
  }

  /** As {@link prepare}, for both states of each change. */
  prepareEvents(_events: readonly StoreEvent[]): Promise<void> | undefined {
    return undefined;
  }

  /** The view of an entry, ready or not. */
  async prepared(entry: KeyValue): Promise<StoredObject> {
    await this.prepare([entry]);
    return this.view(entry);
  }

  /** The shared view of a stored value. @throws {StatusError} for what cannot be shown in this version */
  view(entry: KeyValue): StoredObject {
    return this.cache.view(entry);
  }

  /** The view of a state that is no longer the newest; never cached. */
  pastView(entry: KeyValue): StoredObject {
    return StoredObject.fromStore(entry, this.layout);
  }

  /** True when the stored bytes are not what the object would be written as now, so that even an empty update writes. */
  isOutdated(stored: StoredObject): boolean {
    return this.#encrypted?.isStale(stored.bytes) === true;
  }

  encode(object: DraftObject): Uint8Array {
    return encodeStored(object);
  }

  /**
   * How admission may be shown the objects; undefined where there is one version only.
   *
   * @param view the version of the request when it is not the stored one
   */
  versions(_subresource: string, view: VersionView | undefined): ObjectVersions | undefined {
    return this.#views.length === 0 ? undefined : builtInVersions(this.strategy, this.#views, view);
  }

  /** Objects in the other versions of their kind; undefined where all versions name their fields alike. */
  get inVersion(): InVersion | undefined {
    return undefined;
  }

  /** What the store gets for an object: its bytes, in the version that is stored. */
  bytesToStore(object: DraftObject): Uint8Array | Promise<Uint8Array> {
    return this.encode(object);
  }

  /** The view of what was just written at `revision`; seeds the cache with the object at hand. */
  written(
    key: string,
    bytes: Uint8Array,
    revision: Revision,
    object: ApiObject,
  ): StoredObject | Promise<StoredObject> {
    const stored = this.cache.written(key, bytes, revision, object);
    this.mirror?.put(stored);
    return stored;
  }

  /** Drops what this process remembers of a key that was just deleted at `revision`. */
  removed(key: string, revision: Revision): void {
    this.cache.forget(key);
    this.mirror?.remove(key, revision, false);
  }
}
