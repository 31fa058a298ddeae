/** Longest text that is matched against a pattern; a longer one is refused without being looked at. */
const TEXT_LENGTH_MAX = 64 * 1024;

/** Repetitions inside repetitions, `(a+)+`, take time exponential in the text. */
const NESTED_REPETITION = /\((?:[^()\\]|\\.)*[*+}](?:[^()\\]|\\.)*\)(?:[*+]|\{\d+,\d*\})/;
/** What a text may be long when the pattern repeats repetitions. */
const NESTED_TEXT_LENGTH_MAX = 256;

/** A pattern of a schema. Upstream's patterns are RE2: no look-around and no references back. */
export interface Pattern {
  readonly source: string;
  /** False too for texts too long to try. */
  matches(text: string): boolean;
}

/**
 * Compiles a pattern as a schema writes it. The patterns run on a backtracking engine, so the length of the text
 * bounds what a hostile pair of pattern and text can cost.
 *
 * @throws {SyntaxError} for a pattern that is none
 */
export function compilePattern(source: string): Pattern {
  const { flags, body } = splitFlags(source);
  const expression = new RegExp(translate(body), flags);
  const longest = NESTED_REPETITION.test(body) ? NESTED_TEXT_LENGTH_MAX : TEXT_LENGTH_MAX;
  return { source, matches: (text) => text.length <= longest && expression.test(text) };
}

/** `(?i)` at the start of a pattern becomes a flag. */
function splitFlags(source: string): { readonly flags: string; readonly body: string } {
  const given = /^\(\?([ims]+)\)/.exec(source);
  return given === null
    ? { flags: 'u', body: source }
    : { flags: `u${[...new Set(given[1])].join('')}`, body: source.slice(given[0].length) };
}

const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
};

/** Characters that may be escaped where every escape must mean something. */
const ESCAPABLE = '^$\\.*+?()[]{}|/';

/** Rewrites what RE2 spells differently. */
function translate(body: string): string {
  let isInClass = false;
  let output = '';
  for (let index = 0; index < body.length; index += 1) {
    const char = body.charAt(index);
    if (char === '\\') {
      index += 1;
      output += escaped(body.charAt(index), isInClass);
    } else if (isInClass && char === '[') {
      const posix = /^\[:(\w+):\]/.exec(body.slice(index));
      const range = POSIX_CLASSES[posix?.[1] ?? ''];
      output += range ?? '\\[';
      index += range === undefined ? 0 : (posix?.[0].length ?? 1) - 1;
    } else if (char === '[' && !isInClass) {
      isInClass = true;
      output += char;
      const next = body.charAt(index + 1);
      const negated = next === '^' ? 1 : 0;
      // A closing bracket that comes first stands for itself.
      if (body.charAt(index + 1 + negated) === ']') {
        output += negated === 1 ? '^\\]' : '\\]';
        index += 1 + negated;
      }
    } else if (char === ']') {
      output += isInClass ? char : '\\]';
      isInClass = false;
    } else if (char === '{' && !isInClass && !/^\{\d+(?:,\d*)?\}/.test(body.slice(index))) {
      output += '\\{';
    } else if (char === '}' && !isInClass && !/\{\d+(?:,\d*)?$/.test(body.slice(0, index))) {
      output += '\\}';
    } else if (body.startsWith('(?P<', index)) {
      output += '(?<';
      index += 3;
    } else {
      output += char;
    }
  }
  return output;
}

function escaped(char: string, isInClass: boolean): string {
  switch (char) {
    case 'z':
      return '$';
    case 'A':
      return '^';
    case 'a':
      return '\\x07';
    case 'Q':
    case 'E':
      return '';
    default:
      if (/[A-Za-z0-9]/.test(char) || ESCAPABLE.includes(char) || (isInClass && char === '-')) {
        return `\\${char}`;
      }
      return char;
  }
}
