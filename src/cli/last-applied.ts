import { decodeJson, JsonDecodeError } from '#codec/json-decode.ts';
import { type JsonRecord, isRecord } from '#codec/own-property.ts';
import { type AnyObject, recordAt, textAt, withValueAt } from './object-access.ts';
import { goJson } from './printers/go-json.ts';

/** Holds what `apply` wanted the last time. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object as `apply` compares it: its annotations there, empty if need be, and without that of `apply` itself. */
export function withoutLastApplied(object: AnyObject): AnyObject {
  const { [LAST_APPLIED]: _replaced, ...annotations } = recordAt(object, 'metadata', 'annotations');
  // Setting an annotation leaves the rest of the object as it was.
  return withValueAt(object, ['metadata', 'annotations'], annotations) as AnyObject;
}

/** The object with itself, as it stands, in its annotation. */
export function withLastApplied(object: AnyObject): AnyObject {
  const plain = withoutLastApplied(object);
  const text = `${goJson(plain)}\n`;
  // Setting an annotation leaves the rest of the object as it was.
  return withValueAt(plain, ['metadata', 'annotations', LAST_APPLIED], text) as AnyObject;
}

/** What was applied last, or undefined when nothing was. */
export function lastAppliedOf(object: AnyObject): JsonRecord | undefined {
  const text = textAt(object, 'metadata', 'annotations', LAST_APPLIED);
  if (text === '') {
    return undefined;
  }
  try {
    const value = decodeJson(text);
    return isRecord(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonDecodeError) {
      return undefined;
    }
    throw error;
  }
}
