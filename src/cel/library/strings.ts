import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { EvaluationError, ListValue } from '../value.ts';
import type { Value } from '../value.ts';
import { formatString } from './format-string.ts';

type Int = number | bigint;

/** What the standard library knows of strings. */
export const BASIC_STRINGS: Library = {
  overloads: [
    method('contains_string', 'contains(string, string): bool', (text: string, part: string) =>
      text.includes(part),
    ),
    method('ends_with_string', 'endsWith(string, string): bool', (text: string, end: string) =>
      text.endsWith(end),
    ),
    method('starts_with_string', 'startsWith(string, string): bool', (text: string, start: string) =>
      text.startsWith(start),
    ),
  ],
};

function outOfRange(index: Int): EvaluationError {
  return new EvaluationError(`index out of range: ${index}`);
}

function isInside(index: Int, length: number): boolean {
  return index >= 0 && index <= length;
}

function charAt(text: string, index: Int): Value {
  const characters = Array.from(text);
  return isInside(index, characters.length) ? (characters[Number(index)] ?? '') : outOfRange(index);
}

function indexOf(text: string, part: string, from: Int = 0): Value {
  const characters = Array.from(text);
  if (!isInside(from, characters.length)) {
    return outOfRange(from);
  }
  const head = characters.slice(0, Number(from)).join('').length;
  const found = text.indexOf(part, head);
  return found === -1 ? -1 : Array.from(text.slice(0, found)).length;
}

function lastIndexOf(text: string, part: string, from?: Int): Value {
  const characters = Array.from(text);
  if (from !== undefined && !isInside(from, characters.length)) {
    return outOfRange(from);
  }
  const last = from === undefined ? text.length : characters.slice(0, Number(from)).join('').length;
  const found = text.lastIndexOf(part, last);
  return found === -1 ? -1 : Array.from(text.slice(0, found)).length;
}

function substring(text: string, start: Int, end?: Int): Value {
  const characters = Array.from(text);
  const last = end ?? characters.length;
  if (start > last) {
    return end === undefined
      ? outOfRange(start)
      : new EvaluationError(`invalid substring range. start: ${start}, end: ${last}`);
  }
  if (!isInside(start, characters.length)) {
    return outOfRange(start);
  }
  return isInside(last, characters.length)
    ? characters.slice(Number(start), Number(last)).join('')
    : outOfRange(last);
}

/** `limit` below zero replaces all. */
function replace(text: string, from: string, to: string, limit: Int = -1): Value {
  const count = limit < 0 ? Infinity : Number(limit);
  const pieces = from === '' ? Array.from(text) : text.split(from);
  const parts: string[] = [];
  let replaced = 0;
  if (from === '' && replaced < count) {
    parts.push(to);
    replaced++;
  }
  for (const [index, piece] of pieces.entries()) {
    parts.push(piece);
    if (from !== '' && index === pieces.length - 1) {
      break;
    }
    parts.push(replaced < count ? to : from);
    replaced++;
  }
  return parts.join('');
}

/** As many parts as `limit` says, the last one holding the rest; below zero, all. */
function split(text: string, separator: string, limit: Int = -1): Value {
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  if (limit < 0 || parts.length <= limit) {
    return ListValue.of(parts);
  }
  if (limit === 0) {
    return ListValue.of([]);
  }
  const kept = parts.slice(0, Number(limit) - 1);
  return ListValue.of([...kept, parts.slice(kept.length).join(separator)]);
}

function join(list: ListValue, separator = ''): Value {
  const parts: string[] = [];
  for (const element of list.toArray()) {
    if (typeof element !== 'string') {
      return new EvaluationError('no such overload');
    }
    parts.push(element);
  }
  return parts.join(separator);
}

const QUOTED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is being quoted
  return `"${text.toWellFormed().replaceAll(/[\u0007\b\f\n\r\t\v\\"]/g, (character) => QUOTED[character] ?? character)}"`;
}

function asciiCase(pattern: RegExp, shift: number): (text: string) => string {
  return (text) => text.replaceAll(pattern, (letter) => String.fromCharCode(letter.charCodeAt(0) + shift));
}

/** The strings extension as Kubernetes enables it: version 2. */
export const STRINGS: Library = {
  overloads: [
    method('string_char_at_int', 'charAt(string, int): string', charAt),
    method('string_index_of_string', 'indexOf(string, string): int', indexOf),
    method('string_index_of_string_int', 'indexOf(string, string, int): int', indexOf),
    method('string_last_index_of_string', 'lastIndexOf(string, string): int', lastIndexOf),
    method('string_last_index_of_string_int', 'lastIndexOf(string, string, int): int', lastIndexOf),
    method('string_lower_ascii', 'lowerAscii(string): string', asciiCase(/[A-Z]/g, 32)),
    method('string_upper_ascii', 'upperAscii(string): string', asciiCase(/[a-z]/g, -32)),
    method('string_replace_string_string', 'replace(string, string, string): string', replace),
    method('string_replace_string_string_int', 'replace(string, string, string, int): string', replace),
    method('string_split_string', 'split(string, string): list(string)', split),
    method('string_split_string_int', 'split(string, string, int): list(string)', split),
    method('string_substring_int', 'substring(string, int): string', substring),
    method('string_substring_int_int', 'substring(string, int, int): string', substring),
    method('string_trim', 'trim(string): string', (text: string) => text.trim()),
    method('string_format', 'format(string, list(dyn)): string', formatString),
    method('list_join', 'join(list(string)): string', join),
    method('list_join_string', 'join(list(string), string): string', join),
    declare('strings_quote', 'strings.quote(string): string', quote),
  ],
};
