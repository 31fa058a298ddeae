import { decodeStored, isSameState } from '#codec/stored-form.ts';
import type { KeyValue } from '#store/store.ts';
import { ResourceStorage, type StorageDeps } from '../registry/resource-storage.ts';
import { StoredObject } from '../registry/stored-object.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { coerce, customStrategy, type CustomVersion } from './custom-strategy.ts';

/**
 * The objects of one custom resource, all versions in one place. What is stored may be older than the definition:
 * written in another version, or under another schema. It is brought up to date when it is read.
 */
export class CustomStorage extends ResourceStorage {
  readonly #version: CustomVersion;
  readonly #outdated = new WeakSet<StoredObject>();

  constructor(deps: StorageDeps, version: CustomVersion) {
    super(deps, customStrategy(version), { isCustom: true });
    this.#version = version;
  }

  override pastView(entry: KeyValue): StoredObject {
    const stored = decodeStored(entry.value) as DraftObject;
    const current = coerce(stored, this.#version);
    const isCurrent = stored.apiVersion === current.apiVersion && isSameState(stored, current);
    if (isCurrent) {
      return super.pastView(entry);
    }
    const view = new StoredObject(entry.key, this.encode(current), entry.modRevision, this.layout);
    this.#outdated.add(view);
    return view;
  }

  override isOutdated(stored: StoredObject): boolean {
    return this.#outdated.has(stored) || super.isOutdated(stored);
  }
}
