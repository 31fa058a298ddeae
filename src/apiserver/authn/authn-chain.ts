import { StatusError, unauthorized } from '#api/status-error.ts';
import {
  ALL_AUTHENTICATED,
  ALL_UNAUTHENTICATED,
  ANONYMOUS,
  type Authenticator,
  type AuthnRequest,
  type UserInfo,
} from './user.ts';

export interface AuthnChainOptions {
  /** Asked in this order; the first identity wins. */
  readonly authenticators: readonly Authenticator[];
  /** Whether a request without any credential is `system:anonymous` instead of refused. */
  readonly allowsAnonymous: boolean;
  /** The only paths where that holds; all of them when left out. */
  readonly anonymousPaths?: readonly string[] | undefined;
}

/**
 * Establishes who sends a request. Everybody who showed a good credential is in `system:authenticated`; what
 * nobody but the anonymous may do is left to authorization.
 */
export class AuthnChain {
  readonly #options: AuthnChainOptions;
  /** Identities are shared by the requests of one credential, and so are their completed forms. */
  readonly #completed = new WeakMap<UserInfo, UserInfo>();

  constructor(options: AuthnChainOptions) {
    this.#options = options;
  }

  /** @throws {StatusError} 401 when no credential is good and one is needed, or one was shown that is not good */
  async authenticate(request: AuthnRequest): Promise<UserInfo> {
    let refusal: StatusError | undefined;
    for (const authenticator of this.#options.authenticators) {
      try {
        const user = await authenticator.authenticate(request);
        if (user !== undefined) {
          return this.#complete(user);
        }
      } catch (error) {
        if (!(error instanceof StatusError)) {
          throw error;
        }
        // Another credential of the same request may still be good.
        refusal = error;
      }
    }
    if (refusal !== undefined || !this.#allowsAnonymous(request)) {
      throw refusal ?? unauthorized();
    }
    return ANONYMOUS;
  }

  #allowsAnonymous({ url = '' }: AuthnRequest): boolean {
    const { allowsAnonymous, anonymousPaths } = this.#options;
    const [path = ''] = anonymousPaths === undefined ? [] : url.split('?', 1);
    return allowsAnonymous && (anonymousPaths === undefined || anonymousPaths.includes(path));
  }

  #complete(user: UserInfo): UserInfo {
    let completed = this.#completed.get(user);
    if (completed === undefined) {
      completed = withAuthenticatedGroup(user);
      this.#completed.set(user, completed);
    }
    return completed;
  }
}

/** Adds `system:authenticated` unless the identity says of itself which of the two it is. */
export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  return user.groups.includes(ALL_AUTHENTICATED) || user.groups.includes(ALL_UNAUTHENTICATED)
    ? user
    : { ...user, groups: [...user.groups, ALL_AUTHENTICATED] };
}
