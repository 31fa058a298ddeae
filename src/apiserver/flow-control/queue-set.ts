import { assert } from '#base/assert.ts';
import type { FlowSeries } from './flow-metrics.ts';
import { ShuffleShard } from './shuffle-shard.ts';

/** What a request is expected to cost. */
export interface WorkEstimate {
  /** Seats it occupies while it is served. */
  readonly seats: number;
  /** Seats it occupies for {@link lingerMs} after its answer: the work of telling watchers. */
  readonly finalSeats: number;
  readonly lingerMs: number;
}

/** A request on its way through a {@link QueueSet}. */
export interface SeatedRequest {
  readonly work: WorkEstimate;
  readonly series: FlowSeries;
  readonly arrivalMs: number;
  /** Called when it leaves its queue to be served. */
  onDispatch: () => void;
  queue: Queue | undefined;
  startMs: number;
  /** The set's virtual time when it came. */
  arrivalV: number;
}

/** How requests of a level wait. */
export interface QueueConfig {
  readonly queues: number;
  readonly handSize: number;
  readonly lengthMax: number;
}

/** Guessed for a request until it is known; the difference is settled afterwards. */
const SERVICE_MS = 3;

export interface Queue {
  readonly waiting: Set<SeatedRequest>;
  executing: number;
  /** Seat-milliseconds of all that wait. */
  waitingWork: number;
  /** When, in virtual time, its next request starts. */
  nextV: number;
}

export function maxSeatsOf({ seats, finalSeats }: WorkEstimate): number {
  return Math.max(seats, finalSeats);
}

/**
 * The seats of one priority level, and fair queues for those that find none (KEP-1040).
 *
 * Every queue has a virtual clock that moves by the work it was given, in seat-milliseconds; the request that
 * would end first by its queue's clock is the next. A queue that was idle starts at the time of the last
 * dispatch: it saves up no credit. Upstream derives that time from the number of seats; here it is read off what
 * was really dispatched, which stays fair when the event loop, not the seats, is what everybody waits for.
 */
export class QueueSet {
  /** Seats this level has now. */
  limit = 0;
  /** Requests being served. */
  executing = 0;
  seatsInUse = 0;
  waiting = 0;
  seatsWaiting = 0;
  #shard: ShuffleShard | undefined;
  #lengthMax = 0;
  /** May be more than configured while those too many run empty. */
  #queues: Queue[] = [];
  #virtualNow = 0;
  /** The queue dispatched from last; ties go to those after it. */
  #robin = 0;
  #joined = 0;

  get isIdle(): boolean {
    return this.waiting === 0 && this.executing === 0;
  }

  get hasQueues(): boolean {
    return this.#shard !== undefined;
  }

  /** Requests that wait stay in their queues. */
  configure(config: QueueConfig | undefined): void {
    if (config === undefined) {
      this.#shard = undefined;
      return;
    }
    if (this.#shard?.deckSize !== config.queues || this.#shard.handSize !== config.handSize) {
      this.#shard = new ShuffleShard(config.queues, config.handSize);
    }
    this.#lengthMax = config.lengthMax;
    while (this.#queues.length < config.queues) {
      this.#queues.push({ waiting: new Set(), executing: 0, waitingWork: 0, nextV: 0 });
    }
    this.#dropEmptyExcess();
  }

  /** True when a request of this width may be served now. One wider than the level has it to itself. */
  hasRoom(seats: number): boolean {
    return seats > this.limit ? this.executing === 0 : this.seatsInUse + seats <= this.limit;
  }

  /** Serves a request that was not in a queue, at a level without queues or an exempt one. */
  seat(request: SeatedRequest, nowMs: number): void {
    request.queue = undefined;
    this.#occupy(request, nowMs);
  }

  /**
   * Serves a request at once if nobody waits and there is room, else puts it into a queue of its flow.
   *
   * @param isHeld nothing may be served in this turn of the event loop
   */
  offer(
    request: SeatedRequest,
    flow: { readonly schema: string; readonly distinguisher: string; readonly nowMs: number },
    isHeld: boolean,
  ): 'seated' | 'queued' | 'full' {
    const queue = this.#chooseQueue(flow.schema, flow.distinguisher);
    if (queue.waiting.size === 0 && queue.executing === 0) {
      queue.nextV = Math.max(queue.nextV, this.#virtualNow);
    }
    request.queue = queue;
    request.arrivalV = this.#virtualNow;
    const isOpen = this.seatsInUse < this.limit && this.hasRoom(maxSeatsOf(request.work));
    if (this.waiting === 0 && !isHeld && isOpen) {
      this.#start(request, queue, flow.nowMs);
      return 'seated';
    }
    // Those that only wait for the next turn have seats to come; the queues of a hand are longer by as many.
    const seatsToCome = Math.max(this.limit - this.seatsInUse, 0) / (this.#shard?.handSize ?? 1);
    if (queue.waiting.size >= this.#lengthMax + seatsToCome) {
      request.queue = undefined;
      return 'full';
    }
    queue.waiting.add(request);
    queue.waitingWork += workOf(request.work);
    this.#countWaiting(request, 1);
    return 'queued';
  }

  /** True when {@link dispatch} would find a request, unless the one whose turn it is is too wide. */
  get hasDispatchable(): boolean {
    return this.waiting > 0 && this.seatsInUse < this.limit;
  }

  /** Serves the request whose turn it is; undefined when nobody waits or too few seats are free for it. */
  dispatch(nowMs: number): SeatedRequest | undefined {
    const next = this.#nextQueue();
    const [request] = next?.queue.waiting ?? [];
    if (next === undefined || request === undefined) {
      return undefined;
    }
    if (!this.hasRoom(maxSeatsOf(request.work))) {
      request.series.noAccommodation().value += 1;
      return undefined;
    }
    this.#robin = next.index;
    this.#leaveQueue(request, next.queue);
    this.#start(request, next.queue, nowMs);
    boundStart(next.queue);
    return request;
  }

  /** Takes a request out of its queue that waited too long, or whose client went. False when it is being served. */
  withdraw(request: SeatedRequest): boolean {
    const { queue } = request;
    if (queue?.waiting.has(request) !== true) {
      return false;
    }
    this.#leaveQueue(request, queue);
    boundStart(queue);
    this.#dropEmptyExcess();
    return true;
  }

  /** The answer is out. The seats are given back by {@link vacate}, at once or after the request has lingered. */
  finish(request: SeatedRequest, nowMs: number): void {
    this.executing -= 1;
    request.series.executing.value -= 1;
    const { queue } = request;
    if (queue !== undefined) {
      queue.executing -= 1;
      queue.nextV += request.work.seats * (nowMs - request.startMs - SERVICE_MS);
      boundStart(queue);
    }
  }

  vacate(request: SeatedRequest): void {
    const seats = maxSeatsOf(request.work);
    this.seatsInUse -= seats;
    request.series.executingSeats.value -= seats;
    if (request.queue !== undefined) {
      this.#dropEmptyExcess();
    }
  }

  #start(request: SeatedRequest, queue: Queue, nowMs: number): void {
    queue.executing += 1;
    this.#virtualNow = Math.max(this.#virtualNow, queue.nextV);
    queue.nextV += workOf(request.work);
    this.#occupy(request, nowMs);
  }

  #occupy(request: SeatedRequest, nowMs: number): void {
    const seats = maxSeatsOf(request.work);
    request.startMs = nowMs;
    this.executing += 1;
    this.seatsInUse += seats;
    request.series.executing.value += 1;
    request.series.executingSeats.value += seats;
  }

  #leaveQueue(request: SeatedRequest, queue: Queue): void {
    queue.waiting.delete(request);
    queue.waitingWork -= workOf(request.work);
    this.#countWaiting(request, -1);
  }

  #countWaiting(request: SeatedRequest, delta: 1 | -1): void {
    const seats = maxSeatsOf(request.work) * delta;
    this.waiting += delta;
    this.seatsWaiting += seats;
    request.series.waiting.value += delta;
    request.series.waitingSeats.value += seats;
  }

  /** The queue of the flow's hand with the least work waiting; where to begin moves on, so that ties spread. */
  #chooseQueue(schema: string, distinguisher: string): Queue {
    const hand = this.#shard?.handOf(schema, distinguisher) ?? [];
    const offset = this.#joined % hand.length;
    this.#joined += 1;
    let best: Queue | undefined;
    for (let step = 0; step < hand.length; step++) {
      const queue = this.#queues[hand[(offset + step) % hand.length] ?? 0];
      if (queue !== undefined && (best === undefined || queue.waitingWork < best.waitingWork)) {
        best = queue;
      }
    }
    assert(best !== undefined, 'a level with queues deals hands');
    return best;
  }

  #nextQueue(): { readonly queue: Queue; readonly index: number } | undefined {
    const count = this.#queues.length;
    let best: { queue: Queue; index: number } | undefined;
    let bestEndV = Infinity;
    for (let step = 1; step <= count; step++) {
      const index = (this.#robin + step) % count;
      const queue = this.#queues[index];
      if (queue === undefined || queue.waiting.size === 0) {
        continue;
      }
      const [oldest] = queue.waiting;
      const endV = queue.nextV + (oldest === undefined ? 0 : workOf(oldest.work));
      if (endV < bestEndV) {
        bestEndV = endV;
        best = { queue, index };
      }
    }
    return best;
  }

  /** Queues beyond the configured number go from the end as they run empty. */
  #dropEmptyExcess(): void {
    const wanted = this.#shard?.deckSize ?? 0;
    for (let last = this.#queues.at(-1); this.#queues.length > wanted; last = this.#queues.at(-1)) {
      if (last === undefined || last.waiting.size > 0 || last.executing > 0) {
        return;
      }
      this.#queues.pop();
    }
  }
}

/** Seat-milliseconds, as far as they are known before. */
function workOf({ seats, finalSeats, lingerMs }: WorkEstimate): number {
  return seats * SERVICE_MS + finalSeats * lingerMs;
}

/** A queue cannot have been served before its oldest request came, so it gets no credit for that time. */
function boundStart(queue: Queue): void {
  const [oldest] = queue.waiting;
  if (oldest !== undefined && queue.nextV < oldest.arrivalV) {
    queue.nextV = oldest.arrivalV;
  }
}
