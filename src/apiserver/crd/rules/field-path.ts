import type { Schema } from '../structural-schema.ts';

export type FieldPath =
  | {
      /** As errors write it: `a.b`, `labels[x]`. */
      readonly path: string;
      /** The first name. */
      readonly root: string;
      readonly schema: Schema | undefined;
    }
  | { readonly problem: string };

/**
 * Follows a path of names, such as `.spec.labels['x']`, down a schema.
 *
 * @param allowsBrackets also `['x']`; otherwise only `.x`
 */
export function followPath(text: string, schema: Schema, allowsBrackets: boolean): FieldPath {
  const tokens = tokensOf(text);
  let place: Place = { path: '', root: '', schema };
  for (let index = 0; index < tokens.length;) {
    const read = tokens[index] === '[' ? readBracket(tokens, index, allowsBrackets) : readDot(tokens, index);
    if ('problem' in read) {
      return read;
    }
    const next = step(place, read.name);
    if ('problem' in next) {
      return next;
    }
    place = next;
    index = read.next;
  }
  return place;
}

type Place = Exclude<FieldPath, { problem: string }>;
type Read = { readonly name: string; readonly next: number } | { readonly problem: string };

const END: Read = { problem: 'unexpected end of JSON path' };

function readDot(tokens: readonly string[], index: number): Read {
  const token = tokens[index] ?? '';
  if (token !== '.') {
    return { problem: `expected [ or . but got: ${token}` };
  }
  const name = tokens[index + 1];
  return name === undefined ? END : { name, next: index + 2 };
}

function readBracket(tokens: readonly string[], index: number, isAllowed: boolean): Read {
  if (!isAllowed) {
    return { problem: 'array notation is not allowed' };
  }
  const quoted = tokens[index + 1];
  if (quoted === undefined) {
    return END;
  }
  if (quoted.length < 2 || !quoted.startsWith("'") || !quoted.endsWith("'")) {
    return { problem: `expected single quoted string but got ${quoted}` };
  }
  const name = unescape(quoted.slice(1, -1));
  if ('problem' in name) {
    return name;
  }
  const closing = tokens[index + 2];
  if (closing === undefined) {
    return END;
  }
  return closing === ']'
    ? { name: name.text, next: index + 3 }
    : { problem: `expected ] but got ${closing}` };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

function unescape(text: string): { readonly text: string } | { readonly problem: string } {
  const wrong = [...text.matchAll(/\\(.)/g)].find(([, letter = '']) => !Object.hasOwn(ESCAPES, letter));
  return wrong === undefined
    ? { text: text.replaceAll(/\\(.)/g, (_all, letter: string) => ESCAPES[letter] ?? '') }
    : { problem: `invalid string literal: invalid escape char ${wrong[0]}` };
}

/** Dots and brackets stand for themselves, what is between them is one token; quotes keep it together. */
function tokensOf(text: string): readonly string[] {
  return text.match(/'(?:[^']|(?<=\\)')*(?<!\\)'|[.[\]]|'[\s\S]*$|[^'.[\]][^.[\]]*/g) ?? [];
}

function step({ path, root, schema }: Place, name: string): FieldPath {
  const isNamed = (schema?.properties.size ?? 0) > 0;
  if (schema === undefined || (!isNamed && schema.additional === undefined)) {
    return { problem: 'does not refer to a valid field' };
  }
  const next = isNamed
    ? schema.properties.get(name)
    : typeof schema.additional === 'object'
      ? schema.additional
      : undefined;
  if (isNamed && next === undefined) {
    return { problem: 'does not refer to a valid field' };
  }
  return {
    path: isNamed ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`,
    root: root === '' ? name : root,
    schema: next,
  };
}
