import { PERL_CLASSES, POSIX_CLASSES, anyOf, between, foldCase, not, unicodeClass } from './char-classes.ts';
import { PatternError } from './pattern.ts';
import type { CharSet, Pattern } from './pattern.ts';

/** Highest count in `{n,m}`, also for the product of nested ones. */
const REPEAT_MAX = 1000;
const NESTING_MAX = 250;

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotMatchesNewline: boolean;
  readonly isLazy: boolean;
}

const NO_FLAGS: Flags = { ignoreCase: false, multiLine: false, dotMatchesNewline: false, isLazy: false };

const CONTROL_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** Reads a pattern of the RE2 syntax: no references back, no looking around, so that matching is linear. */
export function parsePattern(text: string): Pattern {
  return new PatternParser(text).parse();
}

class PatternParser {
  readonly #text: string;
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;
  #flags = NO_FLAGS;

  constructor(text: string) {
    this.#text = text;
    this.#characters = Array.from(text);
  }

  parse(): Pattern {
    const pattern = this.#choice();
    if (this.#at < this.#characters.length) {
      throw new PatternError('unexpected )', this.#text);
    }
    checkRepeats(pattern, 1);
    return pattern;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #accept(character: string): boolean {
    const isThere = this.#peek() === character;
    this.#at += isThere ? 1 : 0;
    return isThere;
  }

  #choice(): Pattern {
    if (++this.#depth > NESTING_MAX) {
      throw new PatternError('expression nests too deeply', this.#text);
    }
    const options = [this.#sequence()];
    while (this.#accept('|')) {
      options.push(this.#sequence());
    }
    this.#depth--;
    const [only] = options;
    return only !== undefined && options.length === 1 ? only : { kind: 'choice', options };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      const atom = this.#atom();
      parts.push(this.#repeats(atom));
    }
    return { kind: 'sequence', parts };
  }

  #repeats(atom: Pattern): Pattern {
    const start = this.#at;
    const range = this.#quantifier();
    if (range === undefined) {
      return atom;
    }
    const isLazy = this.#accept('?') !== this.#flags.isLazy;
    const afterFirst = this.#at;
    if (this.#quantifier() !== undefined) {
      const operators = this.#characters.slice(start, this.#at).join('');
      throw new PatternError('invalid nested repetition operator', operators);
    }
    this.#at = afterFirst;
    return { kind: 'repeat', body: atom, ...range, isLazy };
  }

  #quantifier(): { readonly min: number; readonly max: number | undefined } | undefined {
    switch (this.#peek()) {
      case '*':
        this.#at++;
        return { min: 0, max: undefined };
      case '+':
        this.#at++;
        return { min: 1, max: undefined };
      case '?':
        this.#at++;
        return { min: 0, max: 1 };
      case '{':
        return this.#counted();
      default:
        return undefined;
    }
  }

  /** `{2,5}`; braces that hold anything else stand for themselves. */
  #counted(): { readonly min: number; readonly max: number | undefined } | undefined {
    // No count is longer than 20 characters, so the look ahead is bounded.
    const ahead = this.#characters.slice(this.#at, this.#at + 20).join('');
    const match = /^\{(\d+)(,(\d*))?\}/.exec(ahead);
    if (match === null) {
      return undefined;
    }
    const [whole, low, comma, high] = match;
    const min = Number(low);
    const max = comma === undefined ? min : high === '' ? undefined : Number(high);
    if (min > REPEAT_MAX || (max !== undefined && (max > REPEAT_MAX || max < min))) {
      throw new PatternError('invalid repeat count', whole);
    }
    this.#at += whole.length;
    return { min, max };
  }

  #atom(): Pattern {
    const character = this.#characters[this.#at++] ?? '';
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#char(this.#bracketClass());
      case '.':
        return { kind: 'char', set: this.#flags.dotMatchesNewline ? () => true : (point) => point !== 10 };
      case '^':
        return { kind: 'assert', assertion: this.#flags.multiLine ? 'line-start' : 'text-start' };
      case '$':
        return { kind: 'assert', assertion: this.#flags.multiLine ? 'line-end' : 'text-end' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new PatternError('missing argument to repetition operator', character);
      default:
        return this.#literal(character.codePointAt(0) ?? 0);
    }
  }

  #char(set: CharSet): Pattern {
    return { kind: 'char', set: this.#flags.ignoreCase ? foldCase(set) : set };
  }

  #literal(codePoint: number): Pattern {
    return this.#char((other) => other === codePoint);
  }

  #group(): Pattern {
    const outer = this.#flags;
    if (this.#accept('?')) {
      const rest = this.#characters.slice(this.#at, this.#at + 100).join('');
      const name = /^P?<([A-Za-z0-9_]+)>/.exec(rest);
      const flags = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest);
      if (name !== null) {
        this.#at += name[0].length;
      } else if (flags !== null) {
        this.#at += flags[0].length;
        this.#flags = withFlags(withFlags(outer, flags[1] ?? '', true), flags[2] ?? '', false);
        if (flags[3] === ')') {
          // These hold up to the end of the group around them.
          return { kind: 'empty' };
        }
      } else {
        throw new PatternError('invalid or unsupported Perl syntax', `(?${rest.slice(0, 1)}`);
      }
    }
    const body = this.#choice();
    if (!this.#accept(')')) {
      throw new PatternError('missing closing )', this.#text);
    }
    this.#flags = outer;
    return body;
  }

  #escape(): Pattern {
    const character = this.#peek();
    switch (character) {
      case undefined:
        throw new PatternError('trailing backslash at end of expression', '');
      case 'A':
      case 'z':
        this.#at++;
        return { kind: 'assert', assertion: character === 'A' ? 'text-start' : 'text-end' };
      case 'b':
      case 'B':
        this.#at++;
        return { kind: 'assert', assertion: character === 'b' ? 'word-edge' : 'no-word-edge' };
      case 'Q':
        this.#at++;
        return this.#quoted();
      default:
        return this.#char(this.#escapedSet());
    }
  }

  #quoted(): Pattern {
    const parts: Pattern[] = [];
    while (this.#at < this.#characters.length) {
      if (this.#characters[this.#at] === '\\' && this.#characters[this.#at + 1] === 'E') {
        this.#at += 2;
        break;
      }
      parts.push(this.#literal(this.#characters[this.#at++]?.codePointAt(0) ?? 0));
    }
    return { kind: 'sequence', parts };
  }

  /** A class or single character after a backslash. */
  #escapedSet(): CharSet {
    const character = this.#peek() ?? '';
    const perl = PERL_CLASSES[character];
    if (perl !== undefined) {
      this.#at++;
      return perl;
    }
    if (character === 'p' || character === 'P') {
      return this.#unicode();
    }
    const codePoint = this.#escapedCodePoint();
    return (other) => other === codePoint;
  }

  #unicode(): CharSet {
    const rest = this.#characters.slice(this.#at, this.#at + 60).join('');
    const match = /^([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/.exec(rest);
    if (match === null) {
      throw new PatternError('invalid character class range', `\\${rest.slice(0, 2)}`);
    }
    this.#at += match[0].length;
    const set = unicodeClass(match[3] ?? match[4] ?? '', `\\${match[0]}`);
    return (match[1] === 'P') !== (match[2] === '^') ? not(set) : set;
  }

  #escapedCodePoint(): number {
    const character = this.#characters[this.#at++] ?? '';
    const control = CONTROL_ESCAPES[character];
    if (control !== undefined) {
      return control;
    }
    const rest = this.#characters.slice(this.#at, this.#at + 12).join('');
    if (character === 'x') {
      const match = /^(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(rest);
      const codePoint = Number.parseInt(match?.[1] ?? match?.[2] ?? 'ffffffff', 16);
      if (match !== null && codePoint <= 0x10ffff) {
        this.#at += match[0].length;
        return codePoint;
      }
      throw new PatternError('invalid escape sequence', `\\x${rest.slice(0, 2)}`);
    }
    if (/[0-7]/.test(character)) {
      const octal = /^[0-7]{1,2}/.exec(rest);
      if (character === '0' || octal !== null) {
        this.#at += octal?.[0].length ?? 0;
        return Number.parseInt(character + (octal?.[0] ?? ''), 8);
      }
    }
    if (character === '' || /[A-Za-z0-9]/.test(character) || (character.codePointAt(0) ?? 0) > 0x7f) {
      throw new PatternError('invalid escape sequence', `\\${character}`);
    }
    return character.codePointAt(0) ?? 0;
  }

  #bracketClass(): CharSet {
    const isNegated = this.#accept('^');
    const sets: CharSet[] = [];
    let isFirst = true;
    while (isFirst || this.#peek() !== ']') {
      if (this.#at >= this.#characters.length) {
        throw new PatternError('missing closing ]', this.#text);
      }
      sets.push(this.#classItem());
      isFirst = false;
    }
    this.#at++;
    const set = anyOf(sets);
    const folded = this.#flags.ignoreCase ? foldCase(set) : set;
    return isNegated ? not(folded) : folded;
  }

  #classItem(): CharSet {
    const rest = this.#characters.slice(this.#at, this.#at + 12).join('');
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(rest);
    if (posix !== null) {
      const set = POSIX_CLASSES[posix[2] ?? ''];
      if (set === undefined) {
        throw new PatternError('invalid character class range', posix[0]);
      }
      this.#at += posix[0].length;
      return posix[1] === '^' ? not(set) : set;
    }
    const start = this.#at;
    if (/^\\[dDsSwWpP]/.test(rest)) {
      this.#at++;
      return this.#escapedSet();
    }
    const low = this.#classCodePoint();
    if (
      this.#peek() !== '-' ||
      this.#characters[this.#at + 1] === ']' ||
      this.#at + 1 >= this.#characters.length
    ) {
      return (codePoint) => codePoint === low;
    }
    this.#at++;
    const high = this.#classCodePoint();
    if (high < low) {
      throw new PatternError(
        'invalid character class range',
        this.#characters.slice(start, this.#at).join(''),
      );
    }
    return between(low, high);
  }

  #classCodePoint(): number {
    if (this.#accept('\\')) {
      return this.#escapedCodePoint();
    }
    return this.#characters[this.#at++]?.codePointAt(0) ?? 0;
  }
}

function withFlags(flags: Flags, letters: string, isOn: boolean): Flags {
  return {
    ignoreCase: letters.includes('i') ? isOn : flags.ignoreCase,
    multiLine: letters.includes('m') ? isOn : flags.multiLine,
    dotMatchesNewline: letters.includes('s') ? isOn : flags.dotMatchesNewline,
    isLazy: letters.includes('U') ? isOn : flags.isLazy,
  };
}

/** Nested counts multiply in the compiled program, so their product is what is bounded. */
function checkRepeats(pattern: Pattern, outer: number): void {
  switch (pattern.kind) {
    case 'sequence':
      pattern.parts.forEach((part) => checkRepeats(part, outer));
      break;
    case 'choice':
      pattern.options.forEach((option) => checkRepeats(option, outer));
      break;
    case 'repeat': {
      const product = outer * Math.max(1, pattern.max ?? pattern.min);
      if (product > REPEAT_MAX) {
        throw new PatternError('invalid repeat count', `{${pattern.min},${pattern.max ?? ''}}`);
      }
      checkRepeats(pattern.body, product);
      break;
    }
    default:
      break;
  }
}
