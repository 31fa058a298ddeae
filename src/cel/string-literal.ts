const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
  '`': 96,
  '?': 63,
};

/** Digits after each escape that takes hexadecimal ones. */
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, X: 2, u: 4, U: 8 };

export interface StringToken {
  /** What stands between the quotes, escapes not yet read. */
  readonly body: string;
  readonly isRaw: boolean;
  readonly isBytes: boolean;
}

export type Unescaped<T> = { readonly value: T } | { readonly error: string };

/** The text of a string literal. */
export function unescapeString({ body, isRaw }: StringToken): Unescaped<string> {
  if (isRaw || !body.includes('\\')) {
    return { value: isRaw ? body : body.replaceAll(/\r\n?/g, '\n') };
  }
  const parts: string[] = [];
  const error = readEscapes(
    body,
    (text) => parts.push(text),
    (code) => {
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return false;
      }
      parts.push(String.fromCodePoint(code));
      return true;
    },
  );
  return error === undefined ? { value: parts.join('') } : { error };
}

/** The octets of a bytes literal: plain text as UTF-8, and `\x` and octal escapes as single octets. */
export function unescapeBytes({ body, isRaw }: StringToken): Unescaped<Uint8Array> {
  if (isRaw || !body.includes('\\')) {
    return { value: Buffer.from(body) };
  }
  const parts: Buffer[] = [];
  const error = readEscapes(
    body,
    (text) => parts.push(Buffer.from(text)),
    (code, isOctet) => {
      if (isOctet) {
        parts.push(Buffer.of(code));
      }
      return isOctet;
    },
  );
  return error === undefined ? { value: new Uint8Array(Buffer.concat(parts)) } : { error };
}

/** Hands plain text and code points in turn to the callers; returns what is wrong, if anything is. */
function readEscapes(
  body: string,
  onText: (text: string) => void,
  onCode: (code: number, isOctet: boolean) => boolean,
): string | undefined {
  let at = 0;
  while (at < body.length) {
    const next = body.indexOf('\\', at);
    if (next === -1) {
      onText(body.slice(at));
      break;
    }
    if (next > at) {
      onText(body.slice(at, next));
    }
    const escape = readEscape(body, next + 1);
    if (escape === undefined) {
      return 'unable to unescape string';
    }
    if (!onCode(escape.code, escape.isOctet)) {
      return 'unable to unescape string';
    }
    at = escape.end;
  }
  return undefined;
}

interface Escape {
  readonly code: number;
  /** In bytes, `\xff` and `\377` are one octet while `\u00ff` has no meaning. */
  readonly isOctet: boolean;
  readonly end: number;
}

function readEscape(body: string, at: number): Escape | undefined {
  const letter = body[at] ?? '';
  const simple = SIMPLE_ESCAPES[letter];
  if (simple !== undefined) {
    return { code: simple, isOctet: true, end: at + 1 };
  }
  const digits = HEX_DIGITS[letter];
  if (digits !== undefined) {
    const text = body.slice(at + 1, at + 1 + digits);
    return /^[0-9a-fA-F]+$/.test(text) && text.length === digits
      ? { code: Number.parseInt(text, 16), isOctet: digits === 2, end: at + 1 + digits }
      : undefined;
  }
  const octal = body.slice(at, at + 3);
  return /^[0-3][0-7][0-7]$/.test(octal)
    ? { code: Number.parseInt(octal, 8), isOctet: true, end: at + 3 }
    : undefined;
}
