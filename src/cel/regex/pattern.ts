/** Whether a code point belongs. */
export type CharSet = (codePoint: number) => boolean;

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-edge' | 'no-word-edge';

/** A regular expression as a tree. */
export type Pattern =
  | { readonly kind: 'empty' }
  | { readonly kind: 'char'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly options: readonly Pattern[] }
  | {
      readonly kind: 'repeat';
      readonly body: Pattern;
      readonly min: number;
      readonly max: number | undefined;
      readonly isLazy: boolean;
    };

/** Says what is wrong with a pattern, in the words of the engine upstream uses. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  readonly code = 'cel-invalid-pattern';

  constructor(problem: string, at?: string) {
    super(`error parsing regexp: ${problem}${at === undefined ? '' : `: \`${at}\``}`);
  }
}
