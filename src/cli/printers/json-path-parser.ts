import { CliError } from '../cli-error.ts';

/** One step of a path, or a piece of the template around it. */
export type JsonPathNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | {
      readonly kind: 'slice';
      readonly start: number | undefined;
      readonly end: number | undefined;
      readonly step: number | undefined;
      readonly isIndex: boolean;
    }
  | {
      readonly kind: 'filter';
      readonly left: JsonPath;
      readonly operator: FilterOperator;
      readonly right: JsonPath;
    }
  | { readonly kind: 'union'; readonly paths: readonly JsonPath[] }
  | { readonly kind: 'range' }
  | { readonly kind: 'end' };

export type FilterOperator = 'exists' | '==' | '!=' | '<' | '<=' | '>' | '>=';

/** The steps of one expression. */
export type JsonPath = readonly JsonPathNode[];

/** A template: text and expressions in braces, each expression one path. */
export function parseJsonPathTemplate(template: string): readonly JsonPath[] {
  const parts: JsonPath[] = [];
  let text = '';
  let index = 0;
  while (index < template.length) {
    const character = template.charAt(index);
    if (character !== '{') {
      text += character;
      index += 1;
      continue;
    }
    if (text !== '') {
      parts.push([{ kind: 'text', text }]);
      text = '';
    }
    const end = closing(template, index, '{', '}');
    if (end < 0) {
      throw new CliError('unclosed action');
    }
    const path = new ExpressionParser(template.slice(index + 1, end)).parse();
    parts.push(path);
    index = end + 1;
  }
  return text === '' ? parts : [...parts, [{ kind: 'text', text }]];
}

/**
 * A path that may come without braces or leading dot (`metadata.name`, `.metadata.name`, `{.metadata.name}`), as
 * `--sort-by` and custom columns take it.
 */
export function parseRelaxedPath(expression: string): readonly JsonPath[] {
  if (expression === '') {
    return parseJsonPathTemplate('');
  }
  const match = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(expression);
  if (match === null) {
    throw new CliError(
      `unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
    );
  }
  return parseJsonPathTemplate(`{.${match[1] ?? match[2] ?? ''}}`);
}

/** Index of the bracket that closes the one at `start`, with quoted text skipped; -1 without one. */
function closing(text: string, start: number, open: string, close: string): number {
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"' || character === "'") {
      const end = endOfQuoted(text, index);
      if (end < 0) {
        return -1;
      }
      index = end;
    } else if (character === open) {
      depth += 1;
    } else if (character === close) {
      depth -= 1;
      if (depth === 0) {
        return index;
      }
    }
  }
  return -1;
}

function endOfQuoted(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let index = start + 1; index < text.length; index++) {
    if (text.charAt(index) === '\\') {
      index += 1;
    } else if (text.charAt(index) === quote) {
      return index;
    }
  }
  return -1;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v' };

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_all, letter: string) => ESCAPES[letter] ?? letter);
}

class ExpressionParser {
  readonly #text: string;
  #index = 0;
  readonly #nodes: JsonPathNode[] = [];

  constructor(text: string) {
    this.#text = text.trim();
  }

  parse(): JsonPath {
    while (this.#index < this.#text.length) {
      this.#step();
    }
    return this.#nodes;
  }

  #step(): void {
    const character = this.#text.charAt(this.#index);
    if (character === ' ' || character === '@' || character === '$') {
      this.#index += 1;
    } else if (character === '"' || character === "'") {
      this.#quoted();
    } else if (character === '[') {
      this.#bracket();
    } else if (this.#text.startsWith('..', this.#index)) {
      this.#nodes.push({ kind: 'recursive' });
      this.#index += 1;
      if (this.#text.charAt(this.#index + 1) === '[') {
        this.#index += 1;
      }
    } else if (character === '.') {
      this.#field();
    } else if (/[-+\d]/.test(character)) {
      this.#number();
    } else if (/[A-Za-z_]/.test(character)) {
      this.#identifier();
    } else {
      throw new CliError(
        `unrecognized character in action: U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')} '${character}'`,
      );
    }
  }

  #quoted(): void {
    const end = endOfQuoted(this.#text, this.#index);
    if (end < 0) {
      throw new CliError('unterminated quoted string');
    }
    this.#nodes.push({ kind: 'literal', value: unquoted(this.#text.slice(this.#index, end + 1)) });
    this.#index = end + 1;
  }

  #number(): void {
    const match = /^[-+]?\d+(?:\.\d+)?/.exec(this.#text.slice(this.#index))?.[0] ?? '';
    if (match === '') {
      throw new CliError(`cannot parse number ${this.#text.slice(this.#index)}`);
    }
    this.#nodes.push({ kind: 'literal', value: Number(match) });
    this.#index += match.length;
  }

  #identifier(): void {
    const word = /^[A-Za-z_]\w*/.exec(this.#text.slice(this.#index))?.[0] ?? '';
    this.#index += word.length;
    if (word === 'range' || word === 'end') {
      this.#nodes.push({ kind: word });
    } else if (word === 'true' || word === 'false') {
      this.#nodes.push({ kind: 'literal', value: word === 'true' });
    } else {
      throw new CliError(`unrecognized identifier ${word}`);
    }
  }

  /** `.name`, with `\.` for a dot that belongs to the name. */
  #field(): void {
    this.#index += 1;
    let name = '';
    while (this.#index < this.#text.length) {
      const character = this.#text.charAt(this.#index);
      if (character === '\\' && this.#index + 1 < this.#text.length) {
        name += this.#text.charAt(this.#index + 1);
        this.#index += 2;
      } else if (/[\s.[\],+<>=!@)]/.test(character)) {
        break;
      } else {
        name += character;
        this.#index += 1;
      }
    }
    if (name === '*') {
      this.#nodes.push({ kind: 'wildcard' });
    } else if (name !== '') {
      this.#nodes.push({ kind: 'field', name });
    }
  }

  #bracket(): void {
    const end = closing(this.#text, this.#index, '[', ']');
    if (end < 0) {
      throw new CliError('unterminated array');
    }
    const inner = this.#text.slice(this.#index + 1, end).trim();
    this.#index = end + 1;
    this.#nodes.push(inner.startsWith('?(') ? filterNode(inner) : arrayNode(inner));
  }
}

function arrayNode(inner: string): JsonPathNode {
  if (inner === '*') {
    return { kind: 'wildcard' };
  }
  const quoted = /^'((?:[^'\\]|\\.)*)'$|^"((?:[^"\\]|\\.)*)"$/.exec(inner);
  if (quoted !== null) {
    return { kind: 'field', name: (quoted[1] ?? quoted[2] ?? '').replaceAll(/\\(.)/g, '$1') };
  }
  const parts = splitOutsideQuotes(inner);
  if (parts.length > 1) {
    return { kind: 'union', paths: parts.map((part) => unionPath(part.trim())) };
  }
  const slice = /^([-+]?\d*)(?::([-+]?\d*))?(?::([-+]?\d*))?$/.exec(inner);
  if (slice === null || inner === '') {
    throw new CliError(`invalid array index ${inner}`);
  }
  const [, start, end, step] = slice;
  return {
    kind: 'slice',
    start: integer(start),
    end: integer(end),
    step: integer(step),
    isIndex: end === undefined,
  };
}

function unionPath(part: string): JsonPath {
  return /^['"]|^[-+]?\d|^\*$/.test(part)
    ? [arrayNode(part)]
    : new ExpressionParser(
        part.startsWith('.') || part.startsWith('@') || part.startsWith('[') ? part : `.${part}`,
      ).parse();
}

function integer(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}

function splitOutsideQuotes(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"' || character === "'") {
      index = Math.max(endOfQuoted(text, index), index);
    } else if (character === '[') {
      index = Math.max(closing(text, index, '[', ']'), index);
    } else if (character === ',') {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)];
}

const OPERATOR = /^(==|!=|<=|>=|<|>)/;

function filterNode(inner: string): JsonPathNode {
  const end = closing(inner, 1, '(', ')');
  if (end < 0) {
    throw new CliError('unterminated filter');
  }
  const text = inner.slice(2, end);
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"' || character === "'") {
      index = Math.max(endOfQuoted(text, index), index);
      continue;
    }
    if (character === '[') {
      index = Math.max(closing(text, index, '[', ']'), index);
      continue;
    }
    const operator = OPERATOR.exec(text.slice(index))?.[0];
    if (operator !== undefined) {
      return {
        kind: 'filter',
        left: new ExpressionParser(text.slice(0, index)).parse(),
        // The expression lists exactly the operators of the type.
        operator: operator as FilterOperator,
        right: new ExpressionParser(text.slice(index + operator.length)).parse(),
      };
    }
  }
  return { kind: 'filter', left: new ExpressionParser(text).parse(), operator: 'exists', right: [] };
}
