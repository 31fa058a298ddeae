import { SYSTEM_MASTERS } from '../authn/user.ts';
import { decisionOn, NO_OPINION, type Attributes, type Authorizer, type Decision } from './authorizer.ts';

/** Asks each in turn until one has an opinion; the reasons of those without one are kept. */
export class AuthorizerChain implements Authorizer {
  #authorizers: readonly Authorizer[] = [];
  #decideWithOthers: Authorizer['decide'];

  constructor(authorizers: readonly Authorizer[]) {
    this.replace(authorizers);
  }

  get decide(): Authorizer['decide'] {
    return this.#decideWithOthers;
  }

  /** Asks others from now on. */
  replace(authorizers: readonly Authorizer[]): void {
    this.#authorizers = authorizers;
    const needsOthers = authorizers.some(({ decide }) => decide !== undefined);
    this.#decideWithOthers = needsOthers ? (attributes) => this.#decide(attributes) : undefined;
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

  async #decide(attributes: Attributes): Promise<Decision> {
    const reasons: string[] = [];
    const errors: string[] = [];
    for (const authorizer of this.#authorizers) {
      const decision = await decisionOn(authorizer, attributes);
      if (decision.outcome !== 'noOpinion') {
        return decision;
      }
      reasons.push(...(decision.reason === '' ? [] : [decision.reason]));
      errors.push(...(decision.error === undefined ? [] : [decision.error]));
    }
    const reason = reasons.join('\n');
    return { outcome: 'noOpinion', reason, ...(errors.length === 0 ? {} : { error: errors.join(', ') }) };
  }
}

const ALLOWED: Decision = { outcome: 'allow', reason: '' };

/** Lets `system:masters` do everything, so that a cluster whose roles are broken can be mended. */
export const MASTERS_AUTHORIZER: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(SYSTEM_MASTERS) ? ALLOWED : NO_OPINION),
};
