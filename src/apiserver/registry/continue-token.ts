import { expired, badRequest } from '#api/status-error.ts';
import type { Revision } from '#store/store.ts';

/** Where a chunked list goes on: after a key, as of the revision of its first page. */
export interface ContinueToken {
  readonly revision: Revision;
  /** The last key of the page before, below the storage's prefix. */
  readonly after: string;
}

const TOKEN_VERSION = 'meta.k8s.io/v1';

/** Opaque to clients; the form is the one every Kubernetes server uses. */
export function encodeContinue({ revision, after }: ContinueToken): string {
  // The stored position is the first key that is wanted; the zero byte makes it the one right after `after`.
  return Buffer.from(JSON.stringify({ v: TOKEN_VERSION, rv: revision, start: `${after}\0` })).toString(
    'base64url',
  );
}

/** @throws {StatusError} BadRequest for a token this server did not make */
export function decodeContinue(text: string): ContinueToken {
  const parsed = parseToken(text);
  const { v, rv, start } = parsed;
  if (v !== TOKEN_VERSION || typeof rv !== 'number' || typeof start !== 'string' || start === '') {
    throw badRequest('continue key is not valid: the token was not made by this server');
  }
  if (start.includes('..')) {
    throw badRequest('continue key is not valid: the key must stay below the list it came from');
  }
  return { revision: rv, after: start.endsWith('\0') ? start.slice(0, -1) : start };
}

function parseToken(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw badRequest(`continue key is not valid: ${error.message}`);
    }
    throw error;
  }
}

/** The list took so long that its revision was compacted. The client starts over. */
export function expiredContinue(): Error {
  return expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
  );
}
