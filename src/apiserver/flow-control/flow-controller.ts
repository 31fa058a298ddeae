import type { FlowSchema } from '#api/types/flowcontrol.v1.ts';
import { FLOW_SCHEMA, PRIORITY_LEVEL_CONFIGURATION } from '#api/types/resources.ts';
import { parseDurationMs } from '#api/time.ts';
import type { Clock, Timer } from '#base/clock.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { UserInfo } from '../authn/user.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { RequestInfo } from '../request-info.ts';
import { FlowConfig, type Flow } from './flow-config.ts';
import { FlowMetrics, type FlowSeries, type RejectReason } from './flow-metrics.ts';
import { allocateSeats } from './level-limits.ts';
import { LoopPacer } from './loop-pacer.ts';
import { distinguisherOf, matchesSchema } from './match-request.ts';
import type { PriorityLevel } from './priority-level.ts';
import { maxSeatsOf, type Queue, type SeatedRequest, type WorkEstimate } from './queue-set.ts';
import { RefusalPacer } from './refusal-pacer.ts';
import {
  isLongRunning,
  type ClientPresence,
  refusal,
  unlimitedPassage,
  type LimitedRequest,
  type Passage,
  type RequestLimiter,
} from './request-limiter.ts';
import { WatchCounts } from './watch-counts.ts';
import { estimateWork, type ResourceStats } from './work-estimate.ts';

export interface FlowControllerDeps {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly stats: ResourceStats;
  readonly onNextTurn: (callback: () => void) => void;
}

export interface FlowControllerOptions {
  /** Seats of the whole server, exempt requests aside. */
  readonly serverSeats: number;
  /** A request that found no seat by then is turned away. */
  readonly queueWaitMs: number;
  /** How long requests may start as they are read before the event loop looks who else is there. */
  readonly turnMs: number;
}

/** Levels lend and borrow this often. */
const BORROWING_MS = 10_000;
/** Waiting longer than this is never allowed. */
const QUEUE_WAIT_MS_MAX = 60_000;
/** What part of its time a request may wait for a seat. */
export const QUEUE_WAIT_PART = 1 / 4;

/**
 * API priority and fairness (KEP-1040): sorts requests by FlowSchemas into priority levels, gives them seats, and
 * lets them wait in fair queues where there are none. Changes of its objects hold from the next request on.
 */
export class FlowController implements RequestLimiter {
  readonly #deps: FlowControllerDeps;
  readonly #options: FlowControllerOptions;
  readonly #metrics: FlowMetrics;
  readonly #config: FlowConfig;
  readonly #watches = new WatchCounts();
  readonly #pacer: LoopPacer;
  readonly #refusals: RefusalPacer;
  readonly #estimateDeps: Parameters<typeof estimateWork>[3];
  readonly #unsubscribe: readonly (() => void)[];
  /** Of requests that were answered and still occupy seats. */
  readonly #lingering = new Set<Timer>();
  #borrowing: Timer;
  /** The pass of the level dispatched last: a level that comes back from idleness starts there. */
  #pass = 0;

  constructor(deps: FlowControllerDeps, options: FlowControllerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#metrics = new FlowMetrics(deps.metrics);
    this.#config = new FlowConfig({
      metrics: this.#metrics,
      clock: deps.clock,
      serverSeats: options.serverSeats,
    });
    this.#refusals = new RefusalPacer(deps.clock);
    this.#pacer = new LoopPacer({
      clock: deps.clock,
      onNextTurn: deps.onNextTurn,
      turnMs: options.turnMs,
      onOpen: () => this.#dispatch(),
    });
    this.#estimateDeps = {
      stats: deps.stats,
      watchersOf: (info) => this.#watches.interestedIn(info),
    };
    this.#unsubscribe = [
      deps.reader.onChange(FLOW_SCHEMA, ({ object, previous }) => {
        // Statuses are what this server itself writes, one for each schema.
        if (!jsonEqual(object?.spec, previous?.spec) || object?.metadata.uid !== previous?.metadata.uid) {
          this.#digest();
        }
      }),
      deps.reader.onChange(PRIORITY_LEVEL_CONFIGURATION, () => this.#digest()),
    ];
    this.#digest();
    this.#borrowing = this.#scheduleBorrowing();
  }

  admit(request: LimitedRequest, client: ClientPresence): Passage | Promise<Passage> {
    const { info, query, user } = request;
    const isWatch = info.verb === 'watch';
    if (!isWatch && isLongRunning(info)) {
      return unlimitedPassage();
    }
    const flow = this.#classify(user, info);
    const { level } = flow;
    const work = estimateWork(info, query, level.requestSeatsMax, this.#estimateDeps);
    this.#metrics.estimatedSeats.observeIn(flow.series.estimatedSeats, maxSeatsOf(work));
    const nowMs = this.#deps.clock.monotonicMs();
    const passage = new SeatedPassage(this, flow, work, { nowMs, isWatch });
    if (!level.isExempt && level.queues.hasQueues) {
      return this.#queue(passage, request, client);
    }
    if (!level.isExempt && !level.queues.hasRoom(maxSeatsOf(work))) {
      return this.#reject(flow, 'concurrency-limit');
    }
    level.queues.seat(passage, nowMs);
    level.noteDemand(nowMs);
    if (!level.isExempt) {
      this.#metrics.waitSeconds.observeIn(flow.series.waitSeconds, 0);
    }
    this.#begin(passage);
    return passage;
  }

  /** Counts a watch that was let through until the returned function is called. */
  watching(info: RequestInfo, query: URLSearchParams): () => void {
    return this.#watches.add(info, query);
  }

  /** FlowSchemas whose level is there, or is not, by name. */
  isDangling(schema: FlowSchema): boolean {
    return this.#config.isDangling(schema);
  }

  close(): void {
    this.#unsubscribe.forEach((end) => end());
    this.#borrowing.cancel();
    this.#refusals.close();
    this.#lingering.forEach((timer) => timer.cancel());
    this.#lingering.clear();
  }

  /** The answer is out: gives the seats to whoever is next. */
  finished(passage: SeatedPassage): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const { flow, work } = passage;
    const { level } = flow;
    level.queues.finish(passage, nowMs);
    this.#observeExecution(passage, nowMs);
    if (work.lingerMs > 0) {
      const timer = this.#deps.clock.schedule(work.lingerMs, () => {
        this.#lingering.delete(timer);
        this.#vacate(passage);
      });
      this.#lingering.add(timer);
    } else {
      this.#vacate(passage);
    }
  }

  #queue(
    passage: SeatedPassage,
    request: LimitedRequest,
    client: ClientPresence,
  ): Passage | Promise<Passage> {
    const { flow, arrivalMs: nowMs } = passage;
    const { queues } = flow.level;
    const distinguisher = distinguisherOf(flow.schema, request.user, request.info);
    const where = { schema: flow.schema.metadata.name, distinguisher, nowMs };
    const outcome = queues.offer(passage, where, !this.#pacer.isOpenForArrivals);
    if (outcome === 'full') {
      return this.#reject(flow, 'queue-full');
    }
    flow.level.noteDemand(nowMs);
    if (outcome === 'seated') {
      this.#metrics.queueLength.observeIn(flow.series.queueLength, 1);
      this.#metrics.waitSeconds.observeIn(flow.series.waitSeconds, 0);
      this.#charge(flow.level, maxSeatsOf(passage.work));
      this.#begin(passage);
      return passage;
    }
    this.#metrics.queueLength.observeIn(flow.series.queueLength, passage.queue?.waiting.size ?? 0);
    const waiting = this.#wait(passage, request, client);
    this.#dispatch();
    return waiting;
  }

  #wait(passage: SeatedPassage, { query }: LimitedRequest, client: ClientPresence): Promise<Passage> {
    const { promise, resolve } = Promise.withResolvers<Passage>();
    const waitMs = passage.isWatch ? this.#options.queueWaitMs : this.#waitMsOf(query.get('timeout') ?? '');
    const giveUp = (): void => {
      if (passage.flow.level.queues.withdraw(passage)) {
        end();
        this.#observeWait(passage, 'false');
        passage.flow.level.noteDemand(this.#deps.clock.monotonicMs());
        resolve(this.#reject(passage.flow, 'time-out'));
        this.#reap(passage.flow.level);
      }
    };
    const timer = this.#deps.clock.schedule(Math.min(waitMs, QUEUE_WAIT_MS_MAX), giveUp);
    let forget = (): void => undefined;
    const end = (): void => {
      timer.cancel();
      forget();
    };
    passage.onDispatch = () => {
      end();
      this.#observeWait(passage, 'true');
      this.#begin(passage);
      resolve(passage);
    };
    forget = client.onGone(giveUp);
    return promise;
  }

  /** A client that gives its request less time than the server does has it turned away sooner. */
  #waitMsOf(timeout: string): number {
    const { queueWaitMs } = this.#options;
    const askedMs = timeout === '' ? 0 : (parseDurationMs(timeout) ?? 0);
    return askedMs > 0 ? Math.min(askedMs * QUEUE_WAIT_PART, queueWaitMs) : queueWaitMs;
  }

  /** Serves waiting requests until seats, or what may start in this turn, run out. */
  #dispatch(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const stuck = new Set<PriorityLevel>();
    while (this.#pacer.isOpen) {
      const level = this.#nextLevel(stuck);
      if (level === undefined) {
        return;
      }
      const request = level.queues.dispatch(nowMs);
      if (request === undefined) {
        stuck.add(level);
        continue;
      }
      this.#charge(level, maxSeatsOf(request.work));
      level.noteDemand(nowMs);
      request.onDispatch();
    }
  }

  #nextLevel(stuck: ReadonlySet<PriorityLevel>): PriorityLevel | undefined {
    let next: PriorityLevel | undefined;
    for (const level of this.#config.levels.values()) {
      if (
        level.queues.hasDispatchable &&
        !stuck.has(level) &&
        (next === undefined || level.pass < next.pass)
      ) {
        next = level;
      }
    }
    return next;
  }

  /** Levels take turns in proportion to their seats. */
  #charge(level: PriorityLevel, seats: number): void {
    this.#pacer.take(seats);
    this.#pass = Math.max(level.pass, this.#pass);
    level.pass = this.#pass + seats / level.weight;
  }

  #vacate(passage: SeatedPassage): void {
    const { level } = passage.flow;
    level.queues.vacate(passage);
    level.noteDemand(this.#deps.clock.monotonicMs());
    if (level.queues.hasDispatchable) {
      this.#dispatch();
    }
    this.#reap(level);
  }

  #begin(passage: SeatedPassage): void {
    passage.series.dispatched.value += 1;
  }

  #reject({ level, series, headers }: Flow, reason: RejectReason): Passage | Promise<Passage> {
    series.rejected(reason);
    const passage = refusal(level.retryAfter.refuse(this.#deps.clock.nowMs()), headers);
    return this.#refusals.next()?.then(() => passage) ?? passage;
  }

  #observeWait({ series, arrivalMs }: SeatedPassage, execute: 'true' | 'false'): void {
    const seconds = (this.#deps.clock.monotonicMs() - arrivalMs) / 1000;
    if (execute === 'true') {
      this.#metrics.waitSeconds.observeIn(series.waitSeconds, seconds);
    } else {
      this.#metrics.waitSeconds.observe(seconds, [...series.labels, execute]);
    }
  }

  #observeExecution({ series, startMs, isWatch }: SeatedPassage, nowMs: number): void {
    const seconds = (nowMs - startMs) / 1000;
    if (isWatch) {
      this.#metrics.executionSeconds.observe(seconds, [...series.labels, 'watch']);
    } else {
      this.#metrics.executionSeconds.observeIn(series.executionSeconds, seconds);
    }
  }

  #classify(user: UserInfo, info: RequestInfo): Flow {
    for (const flow of this.#config.flows) {
      if (matchesSchema(flow.schema, user, info)) {
        return flow;
      }
    }
    return this.#config.catchAll;
  }

  #digest(): void {
    const { reader } = this.#deps;
    this.#config.digest(reader.list(PRIORITY_LEVEL_CONFIGURATION, ''), reader.list(FLOW_SCHEMA, ''));
    this.#borrow();
  }

  /** Forgets a deleted level once its last request is through. */
  #reap(level: PriorityLevel): void {
    if (level.isQuiescing && level.queues.isIdle) {
      this.#digest();
    }
  }

  #scheduleBorrowing(): Timer {
    return this.#deps.clock.schedule(BORROWING_MS, () => {
      this.#borrow();
      this.#borrowing = this.#scheduleBorrowing();
    });
  }

  #borrow(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const levels = [...this.#config.levels.values()];
    const { seats, targets, fairFraction } = allocateSeats(
      levels.map(({ isExempt, limits, demand, queues }) => ({
        isExempt,
        limits,
        demand: demand.next(nowMs),
        current: queues.limit,
      })),
      levels.reduce((sum, { limits }) => sum + limits.nominal, 0),
    );
    this.#metrics.setFairFraction(fairFraction);
    for (const [index, level] of levels.entries()) {
      // On a server of few seats rounding could leave a level that has lent everything without any until the next time.
      level.queues.limit = Math.max(seats[index] ?? level.queues.limit, Math.min(level.limits.nominal, 1));
      this.#metrics.setAdjustment(level.name, level.demand.stats, targets[index] ?? 0, level.queues.limit);
    }
    this.#dispatch();
  }
}

/** A request with a seat, or on its way to one. */
class SeatedPassage implements SeatedRequest, Passage {
  readonly isRejected = false;
  readonly retryAfterSeconds = 0;
  readonly flow: Flow;
  readonly work: WorkEstimate;
  readonly arrivalMs: number;
  readonly isWatch: boolean;
  onDispatch: () => void = () => undefined;
  queue: Queue | undefined = undefined;
  startMs = 0;
  arrivalV = 0;
  #owner: FlowController | undefined;

  constructor(
    owner: FlowController,
    flow: Flow,
    work: WorkEstimate,
    { nowMs, isWatch }: { readonly nowMs: number; readonly isWatch: boolean },
  ) {
    this.#owner = owner;
    this.flow = flow;
    this.work = work;
    this.arrivalMs = nowMs;
    this.isWatch = isWatch;
  }

  get series(): FlowSeries {
    return this.flow.series;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.flow.headers;
  }

  leave(): void {
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.finished(this);
  }
}
