import { jsonEqual } from '#base/json-equal.ts';
import { getOwn, isRecord, type JsonRecord } from '#codec/own-property.ts';
import { propertyOf } from './prune.ts';
import type { Schema } from './structural-schema.ts';

/**
 * A value and the one it replaces, found again below by name, and in lists that are maps by their keys. What was
 * wrong before and did not change does not block an update.
 */
export class CorrelatedValue {
  readonly value: unknown;
  readonly old: unknown;
  readonly #schema: Schema;
  readonly #children = new Map<string | number, CorrelatedValue>();
  #oldByKey: ListByKey | undefined;
  #isUnchanged: boolean | undefined;

  constructor(value: unknown, old: unknown, schema: Schema) {
    this.value = value;
    this.old = old;
    this.#schema = schema;
  }

  /** Undefined where there is nothing to compare with. */
  key(name: string): CorrelatedValue | undefined {
    const { value, old } = this;
    const schema = propertyOf(this.#schema, name);
    if (schema === undefined || !isRecord(value) || !isRecord(old)) {
      return undefined;
    }
    return Object.hasOwn(value, name) && Object.hasOwn(old, name)
      ? this.#child(name, () => new CorrelatedValue(value[name], old[name], schema))
      : undefined;
  }

  /** Undefined for lists that are no maps, and for items that are new. */
  index(index: number): CorrelatedValue | undefined {
    const { items } = this.#schema;
    if (!Array.isArray(this.value) || !Array.isArray(this.old) || items === undefined) {
      return undefined;
    }
    this.#oldByKey ??= new ListByKey(this.#schema, this.old);
    const item: unknown = this.value[index];
    const old = this.#oldByKey.get(item);
    return old === undefined ? undefined : this.#child(index, () => new CorrelatedValue(item, old, items));
  }

  get isUnchanged(): boolean {
    this.#isUnchanged ??= this.#compare();
    return this.#isUnchanged;
  }

  #compare(): boolean {
    const { value, old } = this;
    if (Array.isArray(value) && Array.isArray(old)) {
      // Lists that are maps may be reordered.
      return this.#schema.listType === 'map'
        ? value.length === old.length &&
            value.every((_item, index) => this.index(index)?.isUnchanged === true)
        : jsonEqual(value, old);
    }
    if (isRecord(value) && isRecord(old)) {
      const names = Object.keys(value);
      return (
        names.length === Object.keys(old).length &&
        // What no schema specifies, metadata and preserved fields, counts as changed.
        names.every((name) => this.key(name)?.isUnchanged === true)
      );
    }
    return jsonEqual(value, old);
  }

  #child(key: string | number, make: () => CorrelatedValue): CorrelatedValue {
    let child = this.#children.get(key);
    if (child === undefined) {
      child = make();
      this.#children.set(key, child);
    }
    return child;
  }
}

/** The items of a list that is a map, by their keys. Empty for all other lists. */
export class ListByKey {
  readonly #keys: readonly string[];
  readonly #items = new Map<string, JsonRecord>();

  constructor({ type, listType, listMapKeys }: Schema, list: readonly unknown[]) {
    this.#keys = type === 'array' && listType === 'map' ? listMapKeys : [];
    for (const item of this.#keys.length === 0 ? [] : list) {
      const key = this.#keyOf(item);
      if (key !== undefined && !this.#items.has(key)) {
        this.#items.set(key, item as JsonRecord);
      }
    }
  }

  /** The first item with the same keys. */
  get(item: unknown): JsonRecord | undefined {
    const key = this.#keys.length === 0 ? undefined : this.#keyOf(item);
    return key === undefined ? undefined : this.#items.get(key);
  }

  /** Undefined for what has not got all keys, or has one that is no scalar. */
  #keyOf(item: unknown): string | undefined {
    if (!isRecord(item)) {
      return undefined;
    }
    const values = this.#keys.map((name) => getOwn(item, name));
    return values.every((value) => value !== null && value !== undefined && typeof value !== 'object')
      ? values
          .map((value) => `${typeof value === 'bigint' ? 'number' : typeof value}:${String(value)}`)
          .join('\0')
      : undefined;
  }
}
