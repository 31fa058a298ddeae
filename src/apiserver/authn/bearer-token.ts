import { unauthorized } from '#api/status-error.ts';
import { utf8Decode } from '#base/bytes.ts';
import { headerOf, type Authenticator, type AuthnRequest, type AuthnResult, type UserInfo } from './user.ts';

/** Knows one kind of bearer token. */
export interface TokenAuthenticator {
  /**
   * Undefined when the token is not of this kind.
   *
   * @param audiences those the token must be meant for one of
   * @throws {TokenError} when it is of this kind but not good
   */
  authenticateToken(token: string, audiences: readonly string[]): AuthnResult | undefined;
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

  authenticateToken(token: string, audiences: readonly string[]): AuthnResult | undefined {
    for (const kind of this.#kinds) {
      const result = kind.authenticateToken(token, audiences);
      if (result !== undefined) {
        return result;
      }
    }
    return undefined;
  }
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
      const result = this.#tokens.authenticateToken(token, this.#audiences);
      return result === undefined ? Promise.reject(unauthorized()) : Promise.resolve(result.user);
    } catch (error) {
      return Promise.reject(error instanceof TokenError ? unauthorized() : error);
    }
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
