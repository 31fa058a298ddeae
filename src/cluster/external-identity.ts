import {
  configurationOfFlags,
  parseAuthenticationConfiguration,
  type AnonymousConfiguration,
  type OidcFlags,
} from '#apiserver/authn/oidc/authentication-configuration.ts';
import { IssuerSet } from '#apiserver/authn/oidc/issuer-set.ts';
import type { TokenAuthenticator } from '#apiserver/authn/bearer-token.ts';
import { WebhookTokens } from '#apiserver/authn/webhook-tokens.ts';
import {
  parseAuthorizationConfiguration,
  type WebhookConfiguration,
} from '#apiserver/authz/authorization-configuration.ts';
import type { Authorizer } from '#apiserver/authz/authorizer.ts';
import { WebhookAuthorizer } from '#apiserver/authz/webhook-authorizer.ts';
import { readReviewServer } from '#apiserver/review-webhook/kubeconfig.ts';
import { ReviewWebhook } from '#apiserver/review-webhook/review-webhook.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Authorization, AuthorizationMode } from './security.ts';

/** Another program that says whose tokens are. */
export interface TokenWebhookChoice {
  /** A file in the form of a kubeconfig. */
  readonly kubeconfig: string;
  readonly version: 'v1' | 'v1beta1';
  readonly cacheMs: number;
}

export type AuthorizationChoice =
  | {
      readonly kind: 'file';
      readonly text: string;
      /** The file of that text; read again when it changes. */
      readonly path?: string | undefined;
    }
  | {
      readonly kind: 'modes';
      readonly modes: readonly (AuthorizationMode | 'Webhook')[];
      /** Needed for `Webhook`. */
      readonly webhook?: Omit<WebhookConfiguration, 'kind' | 'name' | 'timeoutMs' | 'conditions' | 'onError'>;
    };

export interface IdentityChoice {
  /** The text of an AuthenticationConfiguration, or what flags say instead. */
  readonly authentication?: string | OidcFlags | undefined;
  /** The file of that text; read again when it changes. */
  readonly authenticationFile?: string | undefined;
  readonly tokenWebhook?: TokenWebhookChoice | undefined;
  readonly authorization?: AuthorizationChoice | undefined;
}

export interface IdentityDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** What the API server answers to. */
  readonly audiences: readonly string[];
  /** Issuers of service account tokens. */
  readonly issuers: readonly string[];
}

/** How long one judgement may take. */
const WEBHOOK_TIMEOUT_MS = 30_000;

/** Who is known by others, and decides with others, beside what the cluster itself knows. Closed after the API server. */
export class ExternalIdentity implements AsyncDisposable {
  readonly tokenKinds: readonly TokenAuthenticator[];
  readonly anonymous: AnonymousConfiguration | undefined;
  /** Left out: the default. */
  readonly authorization: Authorization | undefined;
  readonly #deps: IdentityDeps;
  readonly #issuers: IssuerSet;
  readonly #webhooks: ReviewWebhook[] = [];
  #useAuthorization: ((authorization: Authorization) => void) | undefined;

  /** @throws {ConfigFileError} a file is not good */
  constructor(choice: IdentityChoice, deps: IdentityDeps) {
    this.#deps = deps;
    const { authentication, tokenWebhook, authorization } = choice;
    const { jwt, anonymous } =
      typeof authentication === 'string'
        ? parseAuthenticationConfiguration(authentication, deps.issuers)
        : {
            jwt: authentication === undefined ? [] : [configurationOfFlags(authentication)],
            anonymous: undefined,
          };
    this.anonymous = anonymous;
    this.#issuers = new IssuerSet(jwt, { ...deps, apiAudiences: deps.audiences });
    this.tokenKinds = [
      ...(authentication === undefined ? [] : [this.#issuers]),
      ...(tokenWebhook === undefined ? [] : [this.#tokenWebhook(tokenWebhook)]),
    ];
    this.authorization = authorization === undefined ? undefined : this.#authorizers(authorization);
  }

  /**
   * Goes on with the issuers of another AuthenticationConfiguration, once all of them were reached.
   *
   * @returns why not, or undefined
   * @throws {ConfigFileError} it is not good
   */
  replaceIssuers(authentication: string, signal: AbortSignal): Promise<string | undefined> {
    const { jwt } = parseAuthenticationConfiguration(authentication, this.#deps.issuers);
    return this.#issuers.replace(jwt, signal);
  }

  /** As {@link SecurityOptions.onAuthorizationChange}. */
  onAuthorizationChange(replace: (authorization: Authorization) => void): void {
    this.#useAuthorization = replace;
  }

  /**
   * Goes on with another AuthorizationConfiguration. What the server decides by itself stays what it was.
   *
   * @returns why not, or undefined
   * @throws {ConfigFileError} it is not good
   */
  replaceAuthorizers(text: string): string | undefined {
    const wanted = parseAuthorizationConfiguration(text).map(({ kind }) => kind);
    const own = new Set((this.authorization ?? []).filter((each) => typeof each === 'string'));
    const missing = [...own].filter((kind) => !wanted.includes(kind)).toSorted();
    if (missing.length > 0) {
      return `missing required types: [${missing.join(' ')}]`;
    }
    const added = wanted.find((kind) => (kind === 'Node' || kind === 'RBAC') && !own.has(kind));
    if (added !== undefined) {
      return `nil ${added.toLowerCase()}Authorizer`;
    }
    this.#useAuthorization?.(this.#authorizers({ kind: 'file', text }));
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#issuers[Symbol.asyncDispose]();
    this.#webhooks.forEach((webhook) => webhook[Symbol.dispose]());
  }

  #tokenWebhook({ kubeconfig, version, cacheMs }: TokenWebhookChoice): TokenAuthenticator {
    const { clock, audiences: apiAudiences } = this.#deps;
    const webhook = this.#open(kubeconfig, WEBHOOK_TIMEOUT_MS);
    return new WebhookTokens({ webhook, clock, apiAudiences, version, cacheMs });
  }

  #authorizers(choice: AuthorizationChoice): Authorization {
    if (choice.kind === 'file') {
      return parseAuthorizationConfiguration(choice.text).map((each) =>
        each.kind === 'Webhook' ? this.#authorizer(each) : each.kind,
      );
    }
    const { modes, webhook } = choice;
    return modes.flatMap((mode): Authorization => {
      if (mode !== 'Webhook') {
        return [mode];
      }
      return webhook === undefined
        ? []
        : [
            this.#authorizer({
              ...webhook,
              kind: 'Webhook',
              name: 'default',
              timeoutMs: WEBHOOK_TIMEOUT_MS,
              conditions: undefined,
              onError: 'NoOpinion',
            }),
          ];
    });
  }

  #authorizer({ kubeconfig, timeoutMs, ...rest }: WebhookConfiguration): Authorizer {
    const { clock, log } = this.#deps;
    return new WebhookAuthorizer({ ...rest, webhook: this.#open(kubeconfig, timeoutMs), clock, log });
  }

  #open(kubeconfig: string, timeoutMs: number): ReviewWebhook {
    const webhook = new ReviewWebhook(readReviewServer(kubeconfig), this.#deps.clock, timeoutMs);
    this.#webhooks.push(webhook);
    return webhook;
  }
}
