import { decodeStored, isSameState } from '#codec/canonical.ts';
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

  constructor(deps: StorageDeps, version: CustomVersion) {
    super(deps, customStrategy(version), { isCustom: true });
    this.#version = version;
  }

  override pastView(entry: KeyValue): StoredObject {
    const stored = decodeStored(entry.value) as DraftObject;
    const current = coerce(stored, this.#version);
    const isCurrent = stored.apiVersion === current.apiVersion && isSameState(stored, current);
    return isCurrent
      ? super.pastView(entry)
      : new StoredObject(entry.key, this.encode(current), entry.modRevision, this.layout);
  }
}
