import { badRequest } from '#api/status-error.ts';
import { type MutableRecord, isRecord, setOwn } from '../own-property.ts';

/**
 * A JSON merge patch (RFC 7386): objects are merged, null removes, all else replaces. Pure; unchanged parts
 * of `current` are shared with the result.
 *
 * @throws {StatusError} BadRequest when the patch is not an object
 */
export function applyMergePatch(current: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) {
    throw badRequest('Invalid JSON Patch');
  }
  return merge(current, patch);
}

function merge(current: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) {
    return patch;
  }
  const merged: MutableRecord = isRecord(current) ? { ...current } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) {
      delete merged[key];
    } else {
      setOwn(merged, key, merge(Object.hasOwn(merged, key) ? merged[key] : undefined, value));
    }
  }
  return merged;
}
