import type { StringToken } from './string-literal.ts';

export type TokenKind = 'int' | 'uint' | 'double' | 'string' | 'identifier' | 'escaped' | 'operator' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** In UTF-16 units; the parser turns it into code points. */
  readonly offset: number;
  readonly string?: StringToken;
}

export interface LexicalError {
  readonly message: string;
  readonly offset: number;
}

/** Words that are operators or values and never names, not even of fields. */
const KEYWORDS = new Set(['in', 'true', 'false', 'null']);

const BLANK = /(?:[\t \r\n\f]|\/\/[^\n]*)+/y;
const NUMBER =
  /(?<uint>(?:0x[0-9a-fA-F]+|\d+)[uU])|(?<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|(?<int>0x[0-9a-fA-F]+|\d+)/y;
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const ESCAPED_IDENTIFIER = /`[A-Za-z0-9_.\-/ ]+`/y;
const STRING_START = /(?:[bB][rR]?|[rR])?(?:"""|'''|"|')/y;
const OPERATOR = /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y;
const ESCAPE_SEQUENCE =
  /\\(?:[abfnrtv"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

/** All tokens, the last of kind `end`. Time is linear: every pattern above is fixed to a place and has no overlap. */
export function tokenize(text: string): {
  readonly tokens: readonly Token[];
  readonly errors: readonly LexicalError[];
} {
  const tokens: Token[] = [];
  const errors: LexicalError[] = [];
  let at = 0;
  while (at < text.length) {
    const blank = matchAt(BLANK, text, at);
    if (blank !== undefined) {
      at += blank[0].length;
      continue;
    }
    const token = readToken(text, at);
    if (token === undefined) {
      const skipped = skipUnknown(text, at);
      errors.push({ message: `token recognition error at: '${skipped}'`, offset: at });
      at += skipped.length;
      continue;
    }
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', offset: text.length });
  return { tokens, errors };
}

function readToken(text: string, at: number): Token | undefined {
  const start = matchAt(STRING_START, text, at);
  if (start !== undefined) {
    return readString(text, at, start[0]);
  }
  const number = matchAt(NUMBER, text, at);
  if (number !== undefined) {
    const kind =
      number.groups?.['uint'] !== undefined
        ? 'uint'
        : number.groups?.['double'] !== undefined
          ? 'double'
          : 'int';
    return { kind, text: number[0], offset: at };
  }
  const name = matchAt(IDENTIFIER, text, at);
  if (name !== undefined) {
    return { kind: KEYWORDS.has(name[0]) ? 'operator' : 'identifier', text: name[0], offset: at };
  }
  const escaped = matchAt(ESCAPED_IDENTIFIER, text, at);
  if (escaped !== undefined) {
    return { kind: 'escaped', text: escaped[0], offset: at };
  }
  const operator = matchAt(OPERATOR, text, at);
  return operator === undefined ? undefined : { kind: 'operator', text: operator[0], offset: at };
}

function readString(text: string, at: number, start: string): Token | undefined {
  const isRaw = /r/i.test(start);
  const quote = start.replace(/^[a-zA-Z]+/, '');
  const isTriple = quote.length === 3;
  const bodyStart = at + start.length;
  let cursor = bodyStart;
  while (cursor < text.length) {
    if (text.startsWith(quote, cursor)) {
      const body = text.slice(bodyStart, cursor);
      const end = cursor + quote.length;
      const string = { body, isRaw, isBytes: /b/i.test(start) };
      return { kind: 'string', text: text.slice(at, end), offset: at, string };
    }
    const character = text[cursor];
    if (!isTriple && (character === '\n' || character === '\r')) {
      return undefined;
    }
    if (character === '\\' && !isRaw) {
      const escape = matchAt(ESCAPE_SEQUENCE, text, cursor);
      if (escape === undefined) {
        return undefined;
      }
      cursor += escape[0].length;
      continue;
    }
    cursor++;
  }
  return undefined;
}

/** What an unknown character takes with it: an open string everything up to the end of its line. */
function skipUnknown(text: string, at: number): string {
  const start = matchAt(STRING_START, text, at);
  if (start !== undefined) {
    const newline = text.indexOf('\n', at);
    return text.slice(at, newline === -1 ? undefined : newline);
  }
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}
