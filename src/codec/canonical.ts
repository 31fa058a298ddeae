import type { ApiObject } from '#api/object.ts';
import { utf8Decode, utf8Encode } from '#base/bytes.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { decodeJson } from './json-decode.ts';

/** What {@link encodeStored} takes: an object before or after it has all its server-made metadata. */
export interface Encodable {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: object;
}

/**
 * The bytes of an object in the store: JSON that begins `{"apiVersion":…,"kind":…,"metadata":{` and has no
 * `resourceVersion`, which the store itself knows. Keys keep the order of the object; an object from
 * the typed decoder has the order of its table, so equal objects have equal bytes.
 */
export function encodeStored(object: Encodable): Uint8Array {
  const { apiVersion, kind, metadata, ...rest } = object;
  // Undefined leaves the key out of the JSON and is cheaper than building the object without it.
  const meta = 'resourceVersion' in metadata ? { ...metadata, resourceVersion: undefined } : metadata;
  return utf8Encode(encodeJson({ apiVersion, kind, metadata: meta, ...rest }));
}

/** Whether two objects would be stored as the same state; neither the order of keys nor the revision counts. */
export function isSameState(left: Encodable, right: Encodable): boolean {
  const { metadata: leftMeta, ...leftRest } = left;
  const { metadata: rightMeta, ...rightRest } = right;
  return (
    jsonEqual({ ...leftMeta, resourceVersion: undefined }, { ...rightMeta, resourceVersion: undefined }) &&
    jsonEqual(leftRest, rightRest)
  );
}

/** The object in stored bytes, frozen, with `resourceVersion` set when it is given. */
export function decodeStored(bytes: Uint8Array, resourceVersion?: string): ApiObject {
  // Bytes in the store were written by our own encoder.
  const object = decodeJson(utf8Decode(bytes)) as ApiObject & { metadata: { resourceVersion: string } };
  if (resourceVersion !== undefined) {
    object.metadata.resourceVersion = resourceVersion;
  }
  return deepFreeze(object);
}

/** Standard, and in Node, but not yet in the compiler's library. */
const RAW_JSON = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** JSON text of any value, with integers beyond 2^53 (bigint) written digit by digit. */
export function encodeJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // A bigint is so rare that looking for one beforehand would cost every other object more than this.
    if (error instanceof TypeError && /BigInt/.test(error.message)) {
      return JSON.stringify(value, (_key, item: unknown) =>
        typeof item === 'bigint' ? RAW_JSON.rawJSON(item.toString()) : item,
      );
    }
    throw error;
  }
}

/** Freezes a JSON value at every depth and returns it. Parts already frozen are taken as frozen throughout. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    if (Array.isArray(value)) {
      for (const item of value as readonly unknown[]) {
        deepFreeze(item);
      }
    } else {
      for (const key in value) {
        deepFreeze(value[key]);
      }
    }
  }
  return value;
}
