import { utf8Decode } from '#base/bytes.ts';
import { findDuplicateFields } from './duplicate-fields.ts';
import type { TextProblems } from './typed-decode.ts';

/** The text is not JSON that the API takes. The message is a sentence for the client. */
export class JsonDecodeError extends Error {
  override readonly name = 'JsonDecodeError';
  readonly code = 'JSON_SYNTAX';
}

/** Far beyond any object of the API, and well within the stack of the recursive functions that walk one. */
export const JSON_DEPTH_MAX = 1000;

/**
 * Parses JSON without changing what it says: integers beyond 2^53 come back as `bigint`, and `__proto__` is an
 * ordinary own key (copy such objects with spread or `Object.defineProperty`, never by assignment).
 *
 * @throws {JsonDecodeError} for bytes that are not UTF-8, text that is not JSON, or nesting past the bound
 */
export function decodeJson(body: Uint8Array | string): unknown {
  const text = typeof body === 'string' ? body : decodeText(body);
  checkDepth(text);
  try {
    // Only a run of 16 digits can hide an integer that a float cannot hold.
    return /\d{16}/.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
  } catch (error) {
    throw new JsonDecodeError(syntaxText(error), { cause: error });
  }
}

/** {@link duplicateFields} with the text they stand in; undefined when there are none. */
export function duplicatesIn(body: Uint8Array | string, value: unknown): TextProblems | undefined {
  const text = typeof body === 'string' ? body : decodeText(body);
  const duplicates = duplicateFields(text, value);
  return duplicates.length === 0 ? undefined : { kind: 'json', text, duplicates };
}

/**
 * Paths of keys that stand twice in one object, in the words of strict decoding. Cheap when there is none: the keys of
 * the text are counted against those of `value`, the result of decoding it.
 */
export function duplicateFields(body: Uint8Array | string, value: unknown): readonly string[] {
  const text = typeof body === 'string' ? body : decodeText(body);
  return countTextKeys(text) === countKeys(value) ? [] : findDuplicateFields(text);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8Decode(bytes);
  } catch (error) {
    throw new JsonDecodeError('the body is not valid UTF-8', { cause: error });
  }
}

function exactNumber(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) {
    return value;
  }
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

function syntaxText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const token = /Unexpected (?:token|number|string|non-whitespace character)(?: '([^]*?)')?/.exec(
    message,
  )?.[1];
  if (/Unexpected end|Unterminated/.test(message)) {
    return 'unexpected end of JSON input';
  }
  return token === undefined ? message : `invalid character '${token}' looking for beginning of value`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** Text shorter than this cannot nest past the bound, so small bodies are not scanned. */
const DEEP_TEXT_MIN = JSON_DEPTH_MAX * 2;

function checkDepth(text: string): void {
  if (text.length < DEEP_TEXT_MIN) {
    return;
  }
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(text, index);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      if (depth > JSON_DEPTH_MAX) {
        throw new JsonDecodeError('exceeded max depth');
      }
    } else if (code === OPEN_BRACE + 2 || code === OPEN_BRACKET + 2) {
      depth -= 1;
    }
  }
}

/** Outside strings, valid JSON has exactly one colon per key. */
function countTextKeys(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(text, index);
    } else if (code === COLON) {
      count += 1;
    }
  }
  return count;
}

function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      return index;
    }
    if (code === BACKSLASH) {
      index += 1;
    }
  }
  return text.length;
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) {
    return 0;
  }
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      count += countKeys(item);
    }
    return count;
  }
  const record = value as Readonly<Record<string, unknown>>;
  for (const key in record) {
    count += 1 + countKeys(record[key]);
  }
  return count;
}
