import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { TokenAuthenticatorUnion, type TokenAuthenticator, type TokenVerdict } from '../bearer-token.ts';
import { httpsGet } from './https-get.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { JwtAuthenticator } from './jwt-authenticator.ts';
import type { JwtConfiguration } from './jwt-configuration.ts';

export interface IssuerSetDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** What this API server answers to. */
  readonly apiAudiences: readonly string[];
}

/** How long new issuers have to show that they can be reached. */
const READY_MS_MAX = 60_000;

/** The issuers of one reading of the configuration. */
class Generation implements AsyncDisposable {
  readonly tokens: TokenAuthenticator;
  readonly #tasks: TaskGroup;
  readonly #keys: readonly IssuerKeys[];
  readonly #ready: Promise<unknown>;

  constructor(configurations: readonly JwtConfiguration[], { clock, log, apiAudiences }: IssuerSetDeps) {
    this.#tasks = TaskGroup.logging(log);
    const parts = configurations.map((configuration) => {
      const { issuer, discoveryUrl, authorityPem } = configuration;
      const get = (url: string): Promise<string> => httpsGet(url, authorityPem, clock);
      const keys = new IssuerKeys({ get, clock, log }, issuer, discoveryUrl);
      return { keys, tokens: new JwtAuthenticator({ keys, clock, apiAudiences }, configuration) };
    });
    this.#keys = parts.map(({ keys }) => keys);
    this.tokens = new TokenAuthenticatorUnion(parts.map(({ tokens }) => tokens));
    this.#ready = Promise.all(this.#keys.map((keys) => this.#run(keys)));
  }

  /** Waits until all issuers were reached, but not for ever. @returns what is wrong with those that were not */
  async untilReady(clock: Clock, signal: AbortSignal): Promise<string | undefined> {
    const giveUp = new AbortController();
    const timeout = clock
      .sleep(READY_MS_MAX, AbortSignal.any([signal, giveUp.signal]))
      .catch((error: unknown) => {
        // Nobody waits any more.
        if (!giveUp.signal.aborted && !signal.aborted) {
          throw error;
        }
      });
    await Promise.race([this.#ready, timeout]);
    giveUp.abort();
    const problems = this.#keys.filter(({ isReady }) => !isReady).map(({ problem }) => problem);
    return problems.length === 0 ? undefined : problems.join(', ');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#tasks.close();
  }

  #run(keys: IssuerKeys): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tasks.spawn('keys of an issuer', async (signal) => {
      try {
        await keys.run(signal);
      } finally {
        resolve();
      }
    });
    return promise;
  }
}

/** Identities from the tokens of issuers, which may change while the server runs. */
export class IssuerSet implements TokenAuthenticator, AsyncDisposable {
  readonly #deps: IssuerSetDeps;
  #current: Generation;

  constructor(configurations: readonly JwtConfiguration[], deps: IssuerSetDeps) {
    this.#deps = deps;
    this.#current = new Generation(configurations, deps);
  }

  authenticateToken(token: string, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict> {
    return this.#current.tokens.authenticateToken(token, audiences);
  }

  /** Goes on with other issuers once all of them were reached. @returns why not, or undefined */
  async replace(
    configurations: readonly JwtConfiguration[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const next = new Generation(configurations, this.#deps);
    const problem = await next.untilReady(this.#deps.clock, signal);
    if (problem !== undefined) {
      await next[Symbol.asyncDispose]();
      return problem;
    }
    const before = this.#current;
    this.#current = next;
    await before[Symbol.asyncDispose]();
    return undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#current[Symbol.asyncDispose]();
  }
}
