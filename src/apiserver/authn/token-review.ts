import type { TokenReview } from '#api/types/authentication.v1.ts';
import { badRequest } from '#api/status-error.ts';
import { withAuthenticatedGroup } from './authn-chain.ts';
import { TokenError, type TokenAuthenticator } from './bearer-token.ts';
import type { UserInfo } from './user.ts';

/**
 * Answers a TokenReview: whose token it is, or why it is no good.
 *
 * @param audiences what this API server answers to; used when the review names none
 * @throws {StatusError} 400 when the review holds no token
 */
export async function reviewToken(
  review: TokenReview,
  tokens: TokenAuthenticator,
  audiences: readonly string[],
): Promise<TokenReview> {
  if (review.spec.token === '') {
    throw badRequest('token is required for TokenReview in authentication');
  }
  const wanted = review.spec.audiences ?? [];
  const status = await judge(review.spec.token, tokens, wanted.length === 0 ? audiences : wanted);
  return { ...review, status };
}

async function judge(
  token: string,
  tokens: TokenAuthenticator,
  audiences: readonly string[],
): Promise<TokenReview['status']> {
  try {
    const result = await tokens.authenticateToken(token, audiences);
    if (result === undefined) {
      return { user: {}, error: 'invalid bearer token' };
    }
    const user = withAuthenticatedGroup(result.user);
    return { authenticated: true, user: apiUserOf(user), audiences: result.audiences ?? audiences };
  } catch (error) {
    if (!(error instanceof TokenError)) {
      throw error;
    }
    return { user: {}, error: `[invalid bearer token, ${error.message}]` };
  }
}

/** A user in the form of the API, for reviews. */
export function apiUserOf(user: UserInfo): TokenReview['status']['user'] {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}
