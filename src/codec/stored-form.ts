import type { ApiObject } from '#api/object.ts';
import { utf8Decode, utf8Encode } from '#base/bytes.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type { ManagedFieldsEntry } from '#api/types/meta.v1.ts';
import { deepFreeze, encodeJson } from './canonical.ts';
import { decodeJson } from './json-decode.ts';
import { fieldsText } from './managed-fields/interned-fields.ts';

/** What {@link encodeStored} takes: an object before or after it has all its server-made metadata. */
export interface Encodable {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly resourceVersion?: string;
    readonly managedFields?: readonly ManagedFieldsEntry[];
  };
}

/**
 * The bytes of an object in the store: JSON that begins `{"apiVersion":…,"kind":…,"metadata":{` and has no
 * `resourceVersion`, which the store itself knows. Keys keep the order of the object; an object from
 * the typed decoder has the order of its table, so equal objects have equal bytes.
 */
export function encodeStored(object: Encodable): Uint8Array {
  const { apiVersion, kind, metadata, ...rest } = object;
  // Undefined leaves a key out of the JSON and is cheaper than building the object without it.
  const meta = encodeJson({ ...metadata, resourceVersion: undefined, managedFields: undefined });
  const fields = metadata.managedFields;
  const tracked =
    fields === undefined ? '' : `${meta.length > 2 ? ',' : ''}"managedFields":${entriesText(fields)}`;
  const type = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":`;
  const others = encodeJson(rest);
  return utf8Encode(
    `${type}${meta.slice(0, -1)}${tracked}}${others.length > 2 ? `,${others.slice(1)}` : '}'}`,
  );
}

/** Managed fields come last in metadata. Their sets, most of the text, are shared by many objects and written once. */
function entriesText(entries: readonly ManagedFieldsEntry[]): string {
  return `[${entries.map(entryText).join(',')}]`;
}

function entryText(entry: ManagedFieldsEntry): string {
  const { fieldsV1, subresource } = entry;
  const fields = fieldsV1 === undefined ? undefined : fieldsText(fieldsV1);
  if (fields === undefined) {
    return encodeJson(entry);
  }
  const { manager, operation, apiVersion, time, fieldsType } = entry;
  const start = encodeJson({ manager, operation, apiVersion, time, fieldsType }).slice(0, -1);
  const end = subresource === undefined ? '}' : `,"subresource":${JSON.stringify(subresource)}}`;
  return `${start},"fieldsV1":${fields}${end}`;
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
