import {
  conflict,
  forbidden,
  internalError,
  serviceUnavailable,
  tooManyRequests,
  type StatusError,
} from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { ConnectionError, type ApiRequest, type WatchRequest } from '#client/transport.ts';
import { durationMs, type Duration } from '#base/duration.ts';

/** Which requests a fault concerns. What is left out matches everything. */
export interface RequestFilter {
  readonly verb?: ApiRequest['verb'] | 'watch';
  /** Plural name, with its subresource if it is about one: `pods`, `pods/status`. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Who asks: `system:kube-scheduler`, `system:sim-nodes`, `kubernetes-admin`,
   * `system:serviceaccount:kube-system:deployment-controller`. */
  readonly user?: string;
  /** Which part of the matching requests is hit, by chance from the cluster's seed; 1 when left out. */
  readonly share?: number;
  /** How many requests are hit before the fault ends by itself. */
  readonly times?: number;
}

/** What happens to a request that is hit. */
export type FaultEffect =
  /** Refused, nothing was done. */
  | { readonly kind: 'refuse'; readonly code: 403 | 409 | 429 | 500 | 503 }
  /** Answered after this time of the cluster's clock. */
  | { readonly kind: 'delay'; readonly by: Duration }
  /** Never reaches the server. */
  | { readonly kind: 'lose-request' }
  /** Is done, but the answer gets lost. */
  | { readonly kind: 'lose-answer' };

interface Rule {
  readonly filter: RequestFilter;
  readonly effect: FaultEffect;
  left: number;
}

/** The faults that are on. Decides from the seed alone, so a run can be repeated. */
export class Faults {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #rules = new Set<Rule>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Disturbs matching requests until the handle is disposed of. */
  add(filter: RequestFilter, effect: FaultEffect): Disposable {
    const rule: Rule = { filter, effect, left: filter.times ?? Infinity };
    this.#rules.add(rule);
    return { [Symbol.dispose]: () => void this.#rules.delete(rule) };
  }

  /** True while a request may have to wait for time to pass. */
  get canDelay(): boolean {
    return this.#rules.values().some(({ effect }) => effect.kind === 'delay');
  }

  clear(): void {
    this.#rules.clear();
  }

  /** Copies what is on, for a fork. */
  adopt(other: Faults): void {
    other.#rules.forEach((rule) => this.#rules.add({ ...rule }));
  }

  /**
   * What happens to this request before it reaches the server; returns true when its answer is to be lost.
   *
   * @throws {StatusError | ConnectionError} the fault, when it is one of refusing or losing
   */
  async meet(
    request: ApiRequest | WatchRequest,
    user: string,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    let losesAnswer = false;
    for (const rule of this.#rules) {
      if (!matches(rule.filter, request, user) || !this.#isHit(rule)) {
        continue;
      }
      switch (rule.effect.kind) {
        case 'delay':
          await this.#clock.sleep(durationMs(rule.effect.by), signal);
          break;
        case 'lose-request':
          throw new ConnectionError('the connection was lost before the request was sent (injected fault)');
        case 'lose-answer':
          losesAnswer = true;
          break;
        case 'refuse':
          throw refusal(rule.effect.code, request);
        default:
          return rule.effect satisfies never;
      }
    }
    return losesAnswer;
  }

  #isHit(rule: Rule): boolean {
    const { share = 1 } = rule.filter;
    if (share < 1 && this.#random.float() >= share) {
      return false;
    }
    rule.left--;
    if (rule.left <= 0) {
      this.#rules.delete(rule);
    }
    return true;
  }
}

function matches(filter: RequestFilter, request: ApiRequest | WatchRequest, user: string): boolean {
  const verb = 'verb' in request ? request.verb : 'watch';
  const { subresource = '', name = '' } = 'verb' in request ? request : {};
  const { resource } = request.resource;
  const path = subresource === '' ? resource : `${resource}/${subresource}`;
  return (
    (filter.verb ?? verb) === verb &&
    (filter.resource ?? path) === path &&
    (filter.namespace ?? request.namespace ?? '') === (request.namespace ?? '') &&
    (filter.name ?? name) === name &&
    (filter.user ?? user) === user
  );
}

function refusal(code: 403 | 409 | 429 | 500 | 503, request: ApiRequest | WatchRequest): StatusError {
  const name = ('verb' in request ? request.name : undefined) ?? '';
  switch (code) {
    case 403:
      return forbidden(request.resource, name, 'injected fault');
    case 409:
      return conflict(request.resource, name, 'injected fault');
    case 429:
      return tooManyRequests('injected fault', 1);
    case 500:
      return internalError('injected fault');
    case 503:
      return serviceUnavailable('injected fault');
    default:
      return code satisfies never;
  }
}
