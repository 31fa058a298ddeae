import { Regex } from '#cel/regex/regex.ts';

/** A pattern of a schema, as it was written and ready to be used. */
export interface Pattern {
  readonly source: string;
  matches(text: string): boolean;
}

/**
 * Compiles a pattern of a schema. Matching takes time in proportion to the text, whatever the pattern, because
 * both come from users.
 *
 * @throws {PatternError} for a pattern that cannot be read
 */
export function compilePattern(source: string): Pattern {
  const regex = Regex.compile(source);
  return { source, matches: (text) => regex.test(text) };
}
