import type { ApiObject } from '#api/object.ts';
import { exists, isAvailable, isComplete, isReady } from './predicates.ts';

/** What `expect.extend` of vitest and jest takes a matcher for. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

type Matcher = (object: ApiObject | undefined) => MatcherResult;

/**
 * For `expect.extend(matchers)` of vitest and jest: `expect(deployment).toBeAvailable()`, and so on. They look at one
 * object and wait for nothing; that is what `until` does.
 */
export const matchers = {
  toBeAvailable: matcher('available', isAvailable),
  toBeComplete: matcher('complete', isComplete),
  toBeReady: matcher('ready', isReady),
  toBeThere: matcher('there', exists),
} satisfies Readonly<Record<string, Matcher>>;

function matcher(word: string, holds: (object: ApiObject | undefined) => boolean): Matcher {
  return (object) => {
    const pass = holds(object);
    const name = object === undefined ? 'nothing' : `${object.kind ?? 'object'} ${object.metadata.name}`;
    const status = JSON.stringify(
      (object as { readonly status?: unknown } | undefined)?.status,
      undefined,
      2,
    );
    return {
      pass,
      message: () => `expected ${name} ${pass ? 'not ' : ''}to be ${word}; its status: ${status ?? 'none'}`,
    };
  };
}
