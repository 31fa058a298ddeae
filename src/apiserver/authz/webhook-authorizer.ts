import type { SubjectAccessReview } from '#api/types/authorization.v1.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { ExpiringMap } from '../review-webhook/expiring-map.ts';
import type { ReviewWebhook } from '../review-webhook/review-webhook.ts';
import { ReviewError } from '../review-webhook/review-webhook.ts';
import { NO_OPINION, type Attributes, type Authorizer, type Decision } from './authorizer.ts';
import type { ReviewConditions } from './review-conditions.ts';

/** Judgements remembered. */
const CACHE_MAX = 8192;
/** What users choose themselves may not fill the memory. */
const CACHED_LENGTH_MAX = 10_000;

type Spec = SubjectAccessReview['spec'];
type Status = Partial<SubjectAccessReview['status']>;

export interface WebhookAuthorizerDeps {
  readonly name: string;
  readonly webhook: Pick<ReviewWebhook, 'ask'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The version of the reviews that the judge knows. */
  readonly version: 'v1' | 'v1beta1';
  /** How long a yes holds, in milliseconds; 0 asks every time. */
  readonly authorizedMs: number;
  readonly unauthorizedMs: number;
  /** What holds when the judge does not answer. */
  readonly onError: 'NoOpinion' | 'Deny';
  /** Requests that do not meet them are not asked about; none when left out. */
  readonly conditions?: ReviewConditions | undefined;
}

/** Lets another program decide, by SubjectAccessReviews. */
export class WebhookAuthorizer implements Authorizer {
  readonly #deps: WebhookAuthorizerDeps;
  readonly #known: ExpiringMap<Status>;
  /** What many requests ask at once is asked once. */
  readonly #asking = new Map<string, Promise<Status>>();

  constructor(deps: WebhookAuthorizerDeps) {
    this.#deps = deps;
    this.#known = new ExpiringMap(deps.clock, CACHE_MAX);
  }

  /** What is known without asking: the server's own parts do not wait. */
  authorize(attributes: Attributes): Decision {
    const known = this.#known.get(JSON.stringify(specOf(attributes)));
    return known === undefined ? NO_OPINION : decisionOf(known);
  }

  readonly decide = async (attributes: Attributes): Promise<Decision> => {
    const spec = specOf(attributes);
    try {
      if (this.#deps.conditions?.match(spec) === false) {
        return NO_OPINION;
      }
      const key = JSON.stringify(spec);
      return decisionOf(this.#known.get(key) ?? (await this.#ask(key, spec, attributes)));
    } catch (error) {
      if (!(error instanceof ReviewError)) {
        throw error;
      }
      const { name, log, onError } = this.#deps;
      log.error('failed to make webhook authorizer request', { authorizer: name, error });
      return { outcome: onError === 'Deny' ? 'deny' : 'noOpinion', reason: '', error: error.message };
    }
  };

  async #ask(key: string, spec: Spec, attributes: Attributes): Promise<Status> {
    const { authorizedMs, unauthorizedMs } = this.#deps;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#review(spec).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const status = await asking;
    if (isWorthKeeping(attributes)) {
      this.#known.set(key, status, status.allowed === true ? authorizedMs : unauthorizedMs);
    }
    return status;
  }

  async #review(spec: Spec): Promise<Status> {
    const { webhook, version } = this.#deps;
    const { groups, ...others } = spec;
    const { status = {} } = await webhook.ask<{ readonly status?: Status }>({
      kind: 'SubjectAccessReview',
      apiVersion: `authorization.k8s.io/${version}`,
      metadata: { creationTimestamp: null },
      // The beta version has another word for groups.
      spec: version === 'v1' ? spec : { ...others, group: groups },
      status: { allowed: false },
    });
    return status;
  }
}

function decisionOf({ allowed = false, denied = false, reason = '' }: Status): Decision {
  if (allowed && denied) {
    const error = 'webhook subject access review returned both allow and deny response';
    return { outcome: 'deny', reason, error };
  }
  return { outcome: denied ? 'deny' : allowed ? 'allow' : 'noOpinion', reason };
}

function specOf(attributes: Attributes): Spec {
  const { user, verb, path, isResourceRequest } = attributes;
  const what = isResourceRequest
    ? { resourceAttributes: resourceOf(attributes) }
    : { nonResourceAttributes: { path, verb } };
  return {
    ...what,
    user: user.name,
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
    ...(user.uid === undefined ? {} : { uid: user.uid }),
  };
}

function resourceOf(attributes: Attributes): NonNullable<Spec['resourceAttributes']> {
  const { namespace, verb, apiGroup, apiVersion, resource, subresource, name } = attributes;
  const all = { namespace, verb, group: apiGroup, version: apiVersion, resource, subresource, name };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

function isWorthKeeping({
  namespace,
  verb,
  apiGroup,
  apiVersion,
  resource,
  subresource,
  name,
  path,
}: Attributes): boolean {
  const length = [namespace, verb, apiGroup, apiVersion, resource, subresource, name, path].reduce(
    (sum, part) => sum + part.length,
    0,
  );
  return length < CACHED_LENGTH_MAX;
}
