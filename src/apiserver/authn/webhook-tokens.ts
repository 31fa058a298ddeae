import { createHash } from 'node:crypto';
import type { TokenReview } from '#api/types/authentication.v1.ts';
import type { Clock } from '#base/clock.ts';
import { ExpiringMap } from '../review-webhook/expiring-map.ts';
import { ReviewError, type ReviewWebhook } from '../review-webhook/review-webhook.ts';
import { TokenError, type TokenAuthenticator, type TokenVerdict } from './bearer-token.ts';

/** Judgements remembered. */
const CACHE_MAX = 4096;

export interface WebhookTokensDeps {
  readonly webhook: Pick<ReviewWebhook, 'ask'>;
  readonly clock: Clock;
  /** What this API server answers to; what a judge means that names no audiences. */
  readonly apiAudiences: readonly string[];
  /** The version of the reviews that the judge knows. */
  readonly version: 'v1' | 'v1beta1';
  /** How long a judgement holds, in milliseconds; 0 asks every time. */
  readonly cacheMs: number;
}

type Status = Partial<Omit<TokenReview['status'], 'user'>> & {
  readonly user?: Partial<TokenReview['status']['user']>;
};

/** Lets another program say whose a token is, by TokenReviews. It is asked about every token that nobody here knows. */
export class WebhookTokens implements TokenAuthenticator {
  readonly #deps: WebhookTokensDeps;
  readonly #known: ExpiringMap<Status>;
  /** A token that many requests bring at once is asked about once. */
  readonly #asking = new Map<string, Promise<Status>>();

  constructor(deps: WebhookTokensDeps) {
    this.#deps = deps;
    this.#known = new ExpiringMap(deps.clock, CACHE_MAX);
  }

  async authenticateToken(token: string, audiences: readonly string[]): Promise<TokenVerdict> {
    // A hash, so that tokens do not lie about in memory.
    const key = createHash('sha256')
      .update(JSON.stringify([token, audiences]))
      .digest('base64');
    const status = this.#known.get(key) ?? (await this.#ask(key, token, audiences));
    return this.#verdict(status, audiences);
  }

  async #ask(key: string, token: string, audiences: readonly string[]): Promise<Status> {
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#review(token, audiences).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const status = await asking;
    this.#known.set(key, status, this.#deps.cacheMs);
    return status;
  }

  async #review(token: string, audiences: readonly string[]): Promise<Status> {
    const { webhook, version } = this.#deps;
    const review = {
      kind: 'TokenReview',
      apiVersion: `authentication.k8s.io/${version}`,
      metadata: { creationTimestamp: null },
      spec: { token, audiences },
      status: { user: {} },
    };
    try {
      const { status = {} } = await webhook.ask<{ readonly status?: Status }>(review);
      return status;
    } catch (error) {
      throw error instanceof ReviewError ? new TokenError(error.message, { cause: error }) : error;
    }
  }

  #verdict(status: Status, wanted: readonly string[]): TokenVerdict {
    if (status.authenticated !== true) {
      if ((status.error ?? '') !== '') {
        throw new TokenError(status.error);
      }
      return undefined;
    }
    const meant = (status.audiences ?? []).length > 0 ? status.audiences : this.#deps.apiAudiences;
    const audiences = wanted.filter((audience) => meant?.includes(audience));
    if (audiences.length === 0) {
      return undefined;
    }
    const { username = '', uid = '', groups = [], extra = {} } = status.user ?? {};
    return { user: { name: username, ...(uid === '' ? {} : { uid }), groups, extra }, audiences };
  }
}
