import type { CharSet } from './pattern.ts';
import { PatternError } from './pattern.ts';

export function between(low: number, high: number): CharSet {
  return (codePoint) => codePoint >= low && codePoint <= high;
}

export function anyOf(sets: readonly CharSet[]): CharSet {
  const [only] = sets;
  return only !== undefined && sets.length === 1 ? only : (codePoint) => sets.some((set) => set(codePoint));
}

export function not(set: CharSet): CharSet {
  return (codePoint) => !set(codePoint);
}

/** ASCII only, unlike the classes of the language this is written in. */
const DIGIT = between(0x30, 0x39);
const UPPER = between(0x41, 0x5a);
const LOWER = between(0x61, 0x7a);
export const WORD = anyOf([DIGIT, UPPER, LOWER, (codePoint) => codePoint === 0x5f]);
const SPACE: CharSet = (codePoint) =>
  codePoint === 9 || codePoint === 10 || codePoint === 12 || codePoint === 13 || codePoint === 32;

/** `\d` and its like. */
export const PERL_CLASSES: Readonly<Record<string, CharSet>> = {
  d: DIGIT,
  D: not(DIGIT),
  s: SPACE,
  S: not(SPACE),
  w: WORD,
  W: not(WORD),
};

/** The names in `[[:name:]]`. */
export const POSIX_CLASSES: Readonly<Record<string, CharSet>> = {
  alnum: anyOf([DIGIT, UPPER, LOWER]),
  alpha: anyOf([UPPER, LOWER]),
  ascii: between(0, 0x7f),
  blank: (codePoint) => codePoint === 9 || codePoint === 32,
  cntrl: anyOf([between(0, 0x1f), (codePoint) => codePoint === 0x7f]),
  digit: DIGIT,
  graph: between(0x21, 0x7e),
  lower: LOWER,
  print: between(0x20, 0x7e),
  punct: anyOf([between(0x21, 0x2f), between(0x3a, 0x40), between(0x5b, 0x60), between(0x7b, 0x7e)]),
  space: anyOf([SPACE, (codePoint) => codePoint === 0x0b]),
  upper: UPPER,
  word: WORD,
  xdigit: anyOf([DIGIT, between(0x41, 0x46), between(0x61, 0x66)]),
};

/** `\p{Greek}` or `\p{Lu}`: a single character never backtracks, so the language's own tables may answer. */
export function unicodeClass(name: string, source: string): CharSet {
  for (const property of [name, `Script=${name}`]) {
    if (!/^[A-Za-z_=]+$/.test(property)) {
      continue;
    }
    try {
      const pattern = new RegExp(`^\\p{${property}}$`, 'u');
      return (codePoint) => pattern.test(String.fromCodePoint(codePoint));
    } catch (error) {
      if (!(error instanceof SyntaxError)) {
        throw error;
      }
    }
  }
  throw new PatternError('invalid character class range', source);
}

/** The set with the other case of each of its letters. */
export function foldCase(set: CharSet): CharSet {
  return (codePoint) => {
    if (set(codePoint)) {
      return true;
    }
    const text = String.fromCodePoint(codePoint);
    const lower = text.toLowerCase().codePointAt(0) ?? codePoint;
    const upper = text.toUpperCase().codePointAt(0) ?? codePoint;
    return set(lower) || set(upper);
  };
}
