import { SYSTEM_MASTERS } from '../authn/user.ts';
import { NO_OPINION, type Attributes, type Authorizer, type Decision } from './authorizer.ts';

/** Asks each in turn until one has an opinion; the reasons of those without one are kept. */
export class AuthorizerChain implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  authorize(attributes: Attributes): Decision {
    let reasons = '';
    for (const authorizer of this.#authorizers) {
      const decision = authorizer.authorize(attributes);
      if (decision.outcome !== 'noOpinion') {
        return decision;
      }
      if (decision.reason !== '') {
        reasons = reasons === '' ? decision.reason : `${reasons}\n${decision.reason}`;
      }
    }
    return reasons === '' ? NO_OPINION : { outcome: 'noOpinion', reason: reasons };
  }
}

const ALLOWED: Decision = { outcome: 'allow', reason: '' };

/** Lets `system:masters` do everything, so that a cluster whose roles are broken can be mended. */
export const MASTERS_AUTHORIZER: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(SYSTEM_MASTERS) ? ALLOWED : NO_OPINION),
};
