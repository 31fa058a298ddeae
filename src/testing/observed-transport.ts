import type { VirtualClock } from '#base/virtual-clock.ts';
import {
  ConnectionError,
  type ApiRequest,
  type Transport,
  type WatchEvent,
  type WatchRequest,
} from '#client/transport.ts';
import type { Faults } from './faults.ts';

export interface ObservedTransportDeps {
  readonly inner: Transport;
  /** Who asks. */
  readonly user: string;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  /** Told of every write that succeeded, with what was answered. */
  readonly onWritten: (user: string, answer: unknown) => void;
}

const READS: ReadonlySet<string> = new Set(['get', 'list']);

/** Keeps time from moving while a request is under way, notes who wrote what, and lets faults at it. */
export class ObservedTransport implements Transport {
  readonly #deps: ObservedTransportDeps;

  constructor(deps: ObservedTransportDeps) {
    this.#deps = deps;
  }

  async request(request: ApiRequest, signal?: AbortSignal): Promise<unknown> {
    const { inner, user, clock, faults, onWritten } = this.#deps;
    // Outside the hold: a delayed request waits for time to pass.
    const losesAnswer = await faults.meet(request, user, signal);
    using _hold = clock.hold();
    const answer = await inner.request(request, signal);
    if (!READS.has(request.verb)) {
      onWritten(user, answer);
    }
    if (losesAnswer) {
      throw new ConnectionError('the connection was lost before the answer came (injected fault)');
    }
    return answer;
  }

  async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const { inner, user, faults } = this.#deps;
    await faults.meet(request, user, signal);
    const { restarting } = faults;
    let resumedMs = -1;
    for await (const event of inner.watch(request, AbortSignal.any([signal, restarting]))) {
      resumedMs = await faults.meetEvent(request, { user, signal, resumedMs });
      yield event;
    }
    if (restarting.aborted && !signal.aborted) {
      throw new ConnectionError('the watch was interrupted: the API server restarts (injected fault)');
    }
  }
}
