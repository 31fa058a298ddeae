import type { ApiObject } from '#api/object.ts';
import { type JsonRecord, getOwn, isRecord } from '#codec/own-property.ts';

/** Any object of the API, its kind known at run time only. */
export type AnyObject = ApiObject & JsonRecord;

/** The value at a path, or undefined where the path ends early. */
export function valueAt(source: unknown, ...path: readonly (string | number)[]): unknown {
  let current = source;
  for (const step of path) {
    if (Array.isArray(current) && typeof step === 'number') {
      current = (current as readonly unknown[])[step];
    } else if (isRecord(current)) {
      current = getOwn(current, String(step));
    } else {
      return undefined;
    }
  }
  return current;
}

/** Text at a path; numbers and booleans are written out, anything else is empty. */
export function textAt(source: unknown, ...path: readonly (string | number)[]): string {
  const value = valueAt(source, ...path);
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
      ? String(value)
      : '';
}

export function numberAt(source: unknown, ...path: readonly (string | number)[]): number | undefined {
  const value = valueAt(source, ...path);
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : undefined;
}

export function listAt(source: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const value = valueAt(source, ...path);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function recordAt(source: unknown, ...path: readonly (string | number)[]): JsonRecord {
  const value = valueAt(source, ...path);
  return isRecord(value) ? value : {};
}

/** The entries of a map of strings, by key. */
export function sortedEntries(source: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(source)
    ? Object.entries(source).toSorted(([left], [right]) => compareText(left, right))
    : [];
}

/** Byte order, as Go sorts strings; the locale has no say. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A copy of `source` with the value at `path` set; objects on the way are made where they are missing. */
export function withValueAt(source: JsonRecord, path: readonly string[], value: unknown): JsonRecord {
  const [first, ...rest] = path;
  if (first === undefined) {
    return source;
  }
  const inner = rest.length === 0 ? value : withValueAt(recordAt(source, first), rest, value);
  const copy = { ...source, [first]: inner };
  if (inner === undefined) {
    delete copy[first];
  }
  return copy;
}

/** A JSON value that is an object of the API. */
export function asObject(value: unknown): AnyObject {
  const object = isRecord(value) ? value : {};
  // The server answers with objects; what a file lacks was refused when it was read.
  return { ...object, metadata: recordAt(object, 'metadata') } as unknown as AnyObject;
}

export function groupVersionOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}
