import { apiVersionOf } from '#api/resource-type.ts';
import type { ApiObject } from '#api/object.ts';
import type { InVersion } from '#codec/managed-fields/apply-across-versions.ts';
import { decodeStored, encodeStored, isSameState } from '#codec/stored-form.ts';
import type { KeyValue, Revision, StoreEvent } from '#store/store.ts';
import type { ObjectVersions } from '../admission/admission.ts';
import { ResourceStorage, type StorageDeps } from '../registry/resource-storage.ts';
import { StoredObject } from '../registry/stored-object.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { conversionError, relabelled, type Conversion } from './conversion.ts';
import { coerce, cut, customStrategy, type CustomVersion } from './custom-strategy.ts';

/** All versions of one custom resource. */
export interface CustomVersions {
  /** By `group/version`; served or not. */
  readonly all: ReadonlyMap<string, CustomVersion>;
  /** The one that objects are stored in. */
  readonly stored: CustomVersion;
  readonly conversion: Conversion;
}

/**
 * The objects of one custom resource as one of its versions shows them: requests are defaulted, pruned and checked by
 * that version's schema, and converted on their way to and from the store. What is stored may be older than the
 * definition: written in another version, or under another schema.
 */
export class CustomStorage extends ResourceStorage {
  readonly #version: CustomVersion;
  readonly #versions: CustomVersions;
  readonly #apiVersion: string;
  readonly #outdated = new WeakSet<StoredObject>();
  /** What was converted ahead of being viewed, by the entry it was converted from. */
  readonly #converted = new WeakMap<KeyValue, DraftObject>();

  constructor(deps: StorageDeps, version: CustomVersion, versions: CustomVersions) {
    super(deps, customStrategy(version), { isCustom: true });
    this.#version = version;
    this.#versions = versions;
    this.#apiVersion = apiVersionOf(version.info);
  }

  override prepare(entries: readonly KeyValue[]): Promise<void> | undefined {
    if (this.#versions.conversion.isPlain) {
      return undefined;
    }
    const due = entries.filter(
      (entry) => this.cache.past(entry) === undefined && !this.#converted.has(entry),
    );
    return due.length === 0 ? undefined : this.#convert(due);
  }

  override prepareEvents(events: readonly StoreEvent[]): Promise<void> | undefined {
    return this.#versions.conversion.isPlain
      ? undefined
      : this.prepare(
          events.flatMap((event) => [
            ...(event.type === 'put' ? [event.kv] : []),
            ...(event.previous === undefined ? [] : [event.previous]),
          ]),
        );
  }

  override pastView(entry: KeyValue): StoredObject {
    const raw = decodeStored(entry.value) as DraftObject;
    const upToDate = this.#asStored(raw);
    const isCurrent =
      raw.apiVersion === apiVersionOf(this.#versions.stored.info) && isSameState(raw, upToDate);
    if (isCurrent && this.#version === this.#versions.stored) {
      return super.pastView(entry);
    }
    const shown = this.#converted.get(entry) ?? this.#shown(upToDate);
    const view = new StoredObject(entry.key, this.encode(shown), entry.modRevision, this.layout);
    if (!isCurrent) {
      this.#outdated.add(view);
    }
    return view;
  }

  override isOutdated(stored: StoredObject): boolean {
    return this.#outdated.has(stored) || super.isOutdated(stored);
  }

  override bytesToStore(object: DraftObject): Uint8Array | Promise<Uint8Array> {
    const { stored, conversion } = this.#versions;
    if (this.#version === stored) {
      return this.encode(object);
    }
    const apiVersion = apiVersionOf(stored.info);
    return conversion.isPlain
      ? encodeStored(cut(relabelled(object, apiVersion), stored))
      : this.#converting([object], apiVersion).then(([converted = object]) =>
          encodeStored(cut(converted, stored)),
        );
  }

  override async written(
    key: string,
    bytes: Uint8Array,
    revision: Revision,
    object: ApiObject,
  ): Promise<StoredObject> {
    if (this.#version === this.#versions.stored) {
      return super.written(key, bytes, revision, object);
    }
    // What the stored version has no place for is gone, and the answer shows it.
    const entry = {
      key,
      value: bytes,
      createRevision: revision,
      modRevision: revision,
      version: 1,
      lease: 0,
    };
    await this.prepare([entry]);
    return this.view(entry);
  }

  override get inVersion(): InVersion | undefined {
    if (this.#versions.conversion.isPlain || this.#versions.all.size === 1) {
      return undefined;
    }
    return async (object, apiVersion) => {
      const version = this.#versions.all.get(apiVersion);
      return version === undefined
        ? undefined
        : { object: await this.#inVersion(object as DraftObject, apiVersion), struct: version.struct };
    };
  }

  override versions(subresource: string): ObjectVersions | undefined {
    const others = [...this.#versions.all.values()].filter(
      ({ definition, info }) => definition.served && info !== this.#version.info,
    );
    if (others.length === 0 || (subresource !== '' && subresource !== 'status')) {
      return undefined;
    }
    return {
      others: others.map(({ info }) => ({
        resource: info,
        kind: subresource === '' || Object.hasOwn(info.subresources, subresource) ? info : undefined,
      })),
      fromStorage: (object, kind) => this.#inVersion(object as DraftObject, apiVersionOf(kind)),
      toStorage: (object) => this.#inVersion(object as DraftObject, this.#apiVersion),
    };
  }

  /** @throws {StatusError} when it cannot be converted */
  async #inVersion(object: DraftObject, apiVersion: string): Promise<DraftObject> {
    if (object.apiVersion === apiVersion) {
      return object;
    }
    const [converted = object] = await this.#converting([object], apiVersion);
    const version = this.#versions.all.get(apiVersion);
    return version === undefined ? converted : cut(converted, version);
  }

  async #convert(entries: readonly KeyValue[]): Promise<void> {
    const objects = entries.map((entry) => this.#asStored(decodeStored(entry.value) as DraftObject));
    const converted = await this.#converting(objects, this.#apiVersion);
    entries.forEach((entry, index) => {
      const object = converted[index];
      if (object !== undefined) {
        this.#converted.set(entry, cut(object, this.#version));
      }
    });
  }

  #converting(objects: readonly DraftObject[], apiVersion: string): Promise<readonly DraftObject[]> {
    for (const object of objects) {
      this.#checkVersion(object);
    }
    return this.#versions.conversion.convert(objects, apiVersion);
  }

  #checkVersion({ apiVersion }: DraftObject): void {
    if (!this.#versions.all.has(apiVersion)) {
      throw conversionError(`request to convert CR from an invalid group/version: ${apiVersion}`);
    }
  }

  /** An object that the store has, in this version; only where that takes no asking. */
  #shown(object: DraftObject): DraftObject {
    if (object.apiVersion === this.#apiVersion) {
      return object;
    }
    this.#checkVersion(object);
    if (!this.#versions.conversion.isPlain) {
      throw conversionError(
        `conversion of ${object.kind} ${JSON.stringify(object.metadata.name)} to ${this.#apiVersion} was not prepared`,
      );
    }
    return cut(relabelled(object, this.#apiVersion), this.#version);
  }

  /** What the store has, as the version it was written in has it now. */
  #asStored(object: DraftObject): DraftObject {
    const version = this.#versions.all.get(object.apiVersion);
    return version === undefined ? object : coerce(object, version);
  }
}
