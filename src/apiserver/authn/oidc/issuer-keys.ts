import type { Clock } from '#base/clock.ts';
import { describeError, type Logger } from '#base/log.ts';
import { isSignedBy, readKeySet, type CompactToken, type WebKey } from './json-web-key-set.ts';

export interface IssuerKeysDeps {
  /** Reads a document of the issuer. @throws {Error} */
  readonly get: (url: string) => Promise<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Until the issuer's configuration was read it is asked for again this often. */
const RETRY_MS = 10_000;
/** A token with an unknown key makes the keys be read anew, but no more often than this. */
const REFRESH_MS_MIN = 1000;

/**
 * The keys of one OpenID issuer. They are read when the first token comes, and again whenever a token is signed by a
 * key that is not among them: this is how issuers replace their keys.
 */
export class IssuerKeys {
  readonly #deps: IssuerKeysDeps;
  readonly #issuer: string;
  readonly #discoveryUrl: string;
  #keysUrl: string | undefined;
  #keys: readonly WebKey[] = [];
  #refreshing: Promise<void> | undefined;
  #refreshedMs = Number.NEGATIVE_INFINITY;
  #problem = 'is not initialized';

  /** @param discoveryUrl where its configuration is read, when that is not below the issuer's own URL */
  constructor(deps: IssuerKeysDeps, issuer: string, discoveryUrl?: string) {
    this.#deps = deps;
    this.#issuer = issuer;
    this.#discoveryUrl = discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  }

  /** True once it is known where the keys are. */
  get isReady(): boolean {
    return this.#keysUrl !== undefined;
  }

  /** Why it is not ready. */
  get problem(): string {
    return this.#problem;
  }

  /** Reads the issuer's configuration, and tries again until it is there or the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      try {
        this.#keysUrl = await this.#discover();
        return;
      } catch (error) {
        this.#problem = describeError(error);
        log.warn('oidc authenticator: initializing plugin', { issuer: this.#issuer, error });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  /** True when the issuer signed the token. @throws {Error} its keys cannot be read */
  async hasSigned(token: CompactToken): Promise<boolean> {
    if (isSignedBy(token, this.#keys)) {
      return true;
    }
    await this.#refresh();
    return isSignedBy(token, this.#keys);
  }

  async #discover(): Promise<string> {
    const found = JSON.parse(await this.#deps.get(this.#discoveryUrl)) as {
      issuer?: unknown;
      jwks_uri?: unknown;
    };
    if (found.issuer !== this.#issuer) {
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(this.#issuer)} got ${JSON.stringify(found.issuer)}`,
      );
    }
    if (typeof found.jwks_uri !== 'string' || found.jwks_uri === '') {
      throw new Error('provider did not return JWKS URL');
    }
    return found.jwks_uri;
  }

  async #refresh(): Promise<void> {
    if (this.#refreshing === undefined) {
      const nowMs = this.#deps.clock.monotonicMs();
      if (nowMs - this.#refreshedMs < REFRESH_MS_MIN) {
        return;
      }
      this.#refreshedMs = nowMs;
      this.#refreshing = this.#read().finally(() => {
        this.#refreshing = undefined;
      });
    }
    await this.#refreshing;
  }

  async #read(): Promise<void> {
    try {
      this.#keys = readKeySet(await this.#deps.get(this.#keysUrl ?? ''));
    } catch (error) {
      throw new Error(`fetching keys oidc: get keys failed ${describeError(error)}`, { cause: error });
    }
  }
}
