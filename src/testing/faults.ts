import {
  conflict,
  expired,
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
  | { readonly kind: 'refuse'; readonly code: 403 | 409 | 410 | 429 | 500 | 503 }
  /** Answered after this time of the cluster's clock. */
  | { readonly kind: 'delay'; readonly by: Duration }
  /** Never reaches the server. */
  | { readonly kind: 'lose-request' }
  /** Is done, but the answer gets lost. */
  | { readonly kind: 'lose-answer' }
  /** The connection of a watch of this process breaks in place of an event. */
  | { readonly kind: 'drop-watch' }
  /** A watch of this process ends in place of an event with 410: what it has seen is too old to go on from. */
  | { readonly kind: 'expire-watch' }
  /** A watch of this process stands still before an event; what comes meanwhile comes with it. */
  | { readonly kind: 'delay-events'; readonly by: Duration };

/** Effects on the events of a watch and not on the request. */
const ON_EVENTS: ReadonlySet<FaultEffect['kind']> = new Set(['drop-watch', 'expire-watch', 'delay-events']);

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
  #downUntilMs = 0;
  #restarting = new AbortController();

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
    return this.#rules
      .values()
      .some(({ effect }) => effect.kind === 'delay' || effect.kind === 'delay-events');
  }

  clear(): void {
    this.#rules.clear();
  }

  /** Copies what is on, for a fork. */
  adopt(other: Faults): void {
    other.#rules.forEach((rule) => this.#rules.add({ ...rule }));
  }

  /** Breaks all watches of this process; nothing reaches the server for some time. */
  restart(downMs: number): void {
    this.#downUntilMs = this.#clock.nowMs() + downMs;
    this.#restarting.abort();
    this.#restarting = new AbortController();
  }

  /** Fires when watches break that began before. */
  get restarting(): AbortSignal {
    return this.#restarting.signal;
  }

  /**
   * What happens to a watch before it gets this event.
   *
   * @param resumedMs when it last stood still: what came meanwhile is there at that time
   * @returns when it went on after standing still, if it did
   * @throws {StatusError | ConnectionError} the watch is over
   */
  async meetEvent(
    request: WatchRequest,
    {
      user,
      signal,
      resumedMs,
    }: { readonly user: string; readonly signal: AbortSignal; readonly resumedMs: number },
  ): Promise<number> {
    for (const rule of this.#rules) {
      if (!ON_EVENTS.has(rule.effect.kind) || !matches(rule.filter, request, user)) {
        continue;
      }
      if (rule.effect.kind === 'delay-events' && resumedMs === this.#clock.nowMs()) {
        continue;
      }
      if (!this.#isHit(rule)) {
        continue;
      }
      switch (rule.effect.kind) {
        case 'drop-watch':
          throw new ConnectionError('the watch was interrupted (injected fault)');
        case 'expire-watch':
          throw expired('too old resource version (injected fault)');
        case 'delay-events':
          await this.#clock.sleep(durationMs(rule.effect.by), signal);
          return this.#clock.nowMs();
        default:
          break;
      }
    }
    return resumedMs;
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
    if (this.#clock.nowMs() < this.#downUntilMs) {
      throw new ConnectionError('connect ECONNREFUSED: the API server is down (injected fault)');
    }
    let losesAnswer = false;
    for (const rule of this.#rules) {
      if (ON_EVENTS.has(rule.effect.kind) || !matches(rule.filter, request, user) || !this.#isHit(rule)) {
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
        case 'drop-watch':
        case 'expire-watch':
        case 'delay-events':
          break;
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

function refusal(code: 403 | 409 | 410 | 429 | 500 | 503, request: ApiRequest | WatchRequest): StatusError {
  const name = ('verb' in request ? request.name : undefined) ?? '';
  switch (code) {
    case 403:
      return forbidden(request.resource, name, 'injected fault');
    case 409:
      return conflict(request.resource, name, 'injected fault');
    case 410:
      return expired('too old resource version (injected fault)');
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
