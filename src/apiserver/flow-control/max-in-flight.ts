import { SYSTEM_MASTERS } from '../authn/user.ts';
import {
  isLongRunning,
  isMutating,
  refusal,
  unlimitedPassage,
  type LimitedRequest,
  type Passage,
  type RequestLimiter,
} from './request-limiter.ts';

/** Requests served at a time; 0 is no limit. */
export interface InFlightLimits {
  readonly reading: number;
  readonly mutating: number;
}

/** Upstream's `--max-requests-inflight` and `--max-mutating-requests-inflight`. */
export const IN_FLIGHT_DEFAULT: InFlightLimits = { reading: 400, mutating: 200 };

const RETRY_AFTER_SECONDS = 1;

/** Two counters, where priority and fairness are switched off. Administrators are never turned away. */
export class MaxInFlight implements RequestLimiter {
  readonly #limits: InFlightLimits;
  readonly #inFlight = { reading: 0, mutating: 0 };

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  admit({ info, user }: LimitedRequest): Passage {
    const kind = isMutating(info) ? 'mutating' : 'reading';
    const limit = this.#limits[kind];
    if (limit === 0 || isLongRunning(info)) {
      return unlimitedPassage();
    }
    if (this.#inFlight[kind] >= limit) {
      return user.groups.includes(SYSTEM_MASTERS) ? unlimitedPassage() : refusal(RETRY_AFTER_SECONDS);
    }
    this.#inFlight[kind] += 1;
    let isInside = true;
    return {
      ...unlimitedPassage(),
      leave: () => {
        if (isInside) {
          isInside = false;
          this.#inFlight[kind] -= 1;
        }
      },
    };
  }

  watching(): () => void {
    return () => undefined;
  }

  close(): void {
    // Nothing waits.
  }
}
