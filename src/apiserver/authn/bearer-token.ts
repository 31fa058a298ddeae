import { unauthorized } from '#api/status-error.ts';
import { utf8Decode } from '#base/bytes.ts';
import { headerOf, type Authenticator, type AuthnRequest, type AuthnResult, type UserInfo } from './user.ts';

/** Whose token it is; undefined when it is of another kind. */
export type TokenVerdict = AuthnResult | undefined;

/** Knows one kind of bearer token. */
export interface TokenAuthenticator {
  /**
   * Undefined when the token is not of this kind.
   *
   * @param audiences those the token must be meant for one of
   * @throws {TokenError} when it is of this kind but not good; a promise is for kinds that others have to be asked about
   */
  authenticateToken(token: string, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict>;
}

/** Why a token of a known kind is refused; told to those who ask for a review, never to the bearer. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code = 'ERR_TOKEN';
}

/** Asks several kinds in turn. */
export class TokenAuthenticatorUnion implements TokenAuthenticator {
  readonly #kinds: readonly TokenAuthenticator[];

  constructor(kinds: readonly TokenAuthenticator[]) {
    this.#kinds = kinds;
  }

  authenticateToken(token: string, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict> {
    const problems: string[] = [];
    for (const [index, kind] of this.#kinds.entries()) {
      try {
        const verdict = kind.authenticateToken(token, audiences);
        if (verdict instanceof Promise) {
          // From the first kind on that has to ask somebody, the rest is a matter of waiting.
          return this.#continue(verdict, { index, problems }, token, audiences);
        }
        if (verdict !== undefined) {
          return verdict;
        }
      } catch (error) {
        problems.push(problemIn(error));
      }
    }
    return refuse(problems);
  }

  async #continue(
    first: Promise<TokenVerdict>,
    { index, problems }: { readonly index: number; readonly problems: string[] },
    token: string,
    audiences: readonly string[],
  ): Promise<TokenVerdict> {
    let pending: TokenVerdict | Promise<TokenVerdict> = first;
    for (let next = index + 1; ; next++) {
      try {
        const verdict = await pending;
        if (verdict !== undefined) {
          return verdict;
        }
      } catch (error) {
        problems.push(problemIn(error));
      }
      const kind = this.#kinds[next];
      if (kind === undefined) {
        return refuse(problems);
      }
      // A kind that throws at once is no different from one that refuses later.
      pending = (async () => kind.authenticateToken(token, audiences))();
    }
  }
}

/** What a kind says against a token; another kind may still know it. */
function problemIn(error: unknown): string {
  if (error instanceof TokenError) {
    return error.message;
  }
  throw error;
}

function refuse(problems: readonly string[]): undefined {
  if (problems.length > 0) {
    throw new TokenError(problems.join(', '));
  }
  return undefined;
}

/** Browsers cannot set headers on a WebSocket, so a token may travel as a subprotocol. */
const WEB_SOCKET_PREFIX = 'base64url.bearer.authorization.k8s.io.';

/** Takes the token out of a request and lets the known kinds judge it. */
export class BearerTokenAuthenticator implements Authenticator {
  readonly #tokens: TokenAuthenticator;
  readonly #audiences: readonly string[];

  /** @param audiences what this API server answers to */
  constructor(tokens: TokenAuthenticator, audiences: readonly string[]) {
    this.#tokens = tokens;
    this.#audiences = audiences;
  }

  authenticate(request: AuthnRequest): Promise<UserInfo | undefined> {
    const token = bearerTokenOf(request);
    if (token === undefined) {
      return Promise.resolve(undefined);
    }
    try {
      const verdict = this.#tokens.authenticateToken(token, this.#audiences);
      if (verdict instanceof Promise) {
        return this.#later(verdict);
      }
      return verdict === undefined ? Promise.reject(unauthorized()) : Promise.resolve(verdict.user);
    } catch (error) {
      return Promise.reject(error instanceof TokenError ? unauthorized() : error);
    }
  }

  async #later(pending: Promise<TokenVerdict>): Promise<UserInfo> {
    try {
      const verdict = await pending;
      if (verdict !== undefined) {
        return verdict.user;
      }
    } catch (error) {
      if (!(error instanceof TokenError)) {
        throw error;
      }
    }
    throw unauthorized();
  }
}

function bearerTokenOf(request: AuthnRequest): string | undefined {
  const header = /^Bearer +(\S+) *$/i.exec(headerOf(request, 'authorization') ?? '');
  if (header?.[1] !== undefined) {
    return header[1];
  }
  if (headerOf(request, 'upgrade')?.toLowerCase() !== 'websocket') {
    return undefined;
  }
  for (const protocol of (headerOf(request, 'sec-websocket-protocol') ?? '').split(',')) {
    const name = protocol.trim();
    if (name.startsWith(WEB_SOCKET_PREFIX)) {
      return utf8Decode(Buffer.from(name.slice(WEB_SOCKET_PREFIX.length), 'base64url'));
    }
  }
  return undefined;
}
