import type { Pod } from '#api/types/core.v1.ts';
import type { Clock, Timer } from '#base/clock.ts';
import type { ClusterEvent } from './cluster-event.ts';
import { IndexedHeap } from './indexed-heap.ts';
import { isScheduledBefore, type QueuedPod } from './queued-pod.ts';
import { isHelpedByOwnChange, WaitingRoom, type HintTable } from './waiting-room.ts';

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly hints: HintTable;
  /** Which plugin keeps the pod out of the queue, if any does. */
  readonly gateOf: (pod: Pod) => string | undefined;
  readonly backoff?: Backoff;
  /** Called when a pod became ready to be tried. */
  readonly onReady: () => void;
}

/** The wait after the first failure, doubled with each further one up to the last. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

const BACKOFF_DEFAULT: Backoff = { firstMs: 1000, maxMs: 10_000 };
/** A pod is tried again after this long even if no event could help it: hints may be wrong. */
const WAIT_MAX_MS = 5 * 60_000;
const WAIT_CHECK_PERIOD_MS = 30_000;

export type QueueName = 'active' | 'backoff' | 'unschedulable' | 'gated';

/**
 * Pods that need a node: those to try now, those that back off after a failure, and those that wait until
 * something changes. Bounded by the number of pods in the cluster.
 */
export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions;
  readonly #active = new IndexedHeap<QueuedPod>(({ uid }) => uid, isScheduledBefore);
  readonly #backoff = new IndexedHeap<QueuedPod>(
    ({ uid }) => uid,
    (left, right) => left.backoffUntilMs < right.backoffUntilMs,
  );
  readonly #waiting: WaitingRoom;
  /** Popped, and neither done nor given back. */
  readonly #inFlight = new Map<string, QueuedPod>();
  #backoffTimer: Timer | undefined;
  #waitTimer: Timer | undefined;
  #isClosed = false;
  #eventCount = 0;

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
    this.#waiting = new WaitingRoom(options.hints);
  }

  /** Grows with each event: a pod that is in flight for long may have missed some. */
  get eventCount(): number {
    return this.#eventCount;
  }

  sizes(): Readonly<Record<QueueName, number>> {
    const gated = this.#waiting.gatedCount;
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable: this.#waiting.size - gated,
      gated,
    };
  }

  /** A pod without a node appeared or changed. */
  set(pod: Pod): void {
    const { uid } = pod.metadata;
    const flying = this.#inFlight.get(uid);
    const queued = flying ?? this.#active.get(uid) ?? this.#backoff.get(uid);
    if (queued !== undefined) {
      queued.pod = pod;
      return;
    }
    const waiting = this.#waiting.get(uid);
    if (waiting !== undefined) {
      this.#updateWaiting(waiting, pod);
      return;
    }
    const nowMs = this.#options.clock.monotonicMs();
    this.#admit({
      pod,
      uid,
      attempts: 0,
      firstSeenMs: nowMs,
      queuedAtMs: nowMs,
      backoffUntilMs: 0,
      refusedBy: new Set(),
      gate: undefined,
    });
  }

  /** The pod went away, or has a node now. */
  delete(uid: string): void {
    this.#inFlight.delete(uid);
    if (this.#active.delete(uid) === undefined && this.#backoff.delete(uid) === undefined) {
      this.#waiting.delete(uid);
    }
  }

  /**
   * Takes the next pod to try. With nothing else to do, a pod that backs off is tried early: the back-off is
   * there to let others go first. Follow with {@link done}, {@link giveBack} or {@link retryLater}.
   */
  pop(): QueuedPod | undefined {
    const next = this.#active.pop() ?? this.#popEarly();
    if (next !== undefined) {
      next.attempts += 1;
      this.#inFlight.set(next.uid, next);
    }
    return next;
  }

  /** The pod needs no further try, for all that is known. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
  }

  /** No node could take the pod; it waits for an event that the refusing plugins care about. */
  giveBack(tried: QueuedPod, refusedBy: ReadonlySet<string>): void {
    if (this.#land(tried)) {
      tried.refusedBy = refusedBy;
      tried.backoffUntilMs = tried.queuedAtMs + this.#backoffMs(tried.attempts);
      this.#waiting.add(tried);
      this.#armWaitTimer();
    }
  }

  /** The try failed for a reason that has nothing to do with nodes; it is repeated after the back-off. */
  retryLater(tried: QueuedPod): void {
    if (this.#land(tried)) {
      tried.refusedBy = new Set();
      tried.backoffUntilMs = tried.queuedAtMs + this.#backoffMs(tried.attempts);
      this.#backoff.push(tried);
      this.#armBackoffTimer();
    }
  }

  /** Wakes the pods that the event may help. */
  onEvent(event: ClusterEvent): void {
    this.#eventCount += 1;
    if (this.#waiting.size > 0) {
      for (const waiting of this.#waiting.helpedBy(event)) {
        this.#wake(waiting);
      }
    }
  }

  /** Wakes one pod whatever happened. */
  activate(uid: string): void {
    const waiting = this.#waiting.get(uid);
    if (waiting !== undefined && waiting.gate === undefined) {
      this.#wake(waiting);
    }
  }

  get(uid: string): QueuedPod | undefined {
    return (
      this.#inFlight.get(uid) ?? this.#active.get(uid) ?? this.#backoff.get(uid) ?? this.#waiting.get(uid)
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#backoffTimer?.cancel();
    this.#waitTimer?.cancel();
  }

  #backoffMs(attempts: number): number {
    const { firstMs, maxMs } = this.#options.backoff ?? BACKOFF_DEFAULT;
    return Math.min(firstMs * 2 ** (attempts - 1), maxMs);
  }

  /** False when the pod was deleted or bound while it was in flight. */
  #land(tried: QueuedPod): boolean {
    tried.queuedAtMs = this.#options.clock.monotonicMs();
    return this.#inFlight.delete(tried.uid);
  }

  #admit(queued: QueuedPod): void {
    queued.gate = this.#options.gateOf(queued.pod);
    if (queued.gate === undefined) {
      this.#active.push(queued);
      this.#options.onReady();
    } else {
      this.#waiting.add(queued);
    }
  }

  #updateWaiting(waiting: QueuedPod, pod: Pod): void {
    const previous = waiting.pod;
    waiting.pod = pod;
    if (waiting.gate !== undefined) {
      this.#waiting.delete(waiting.uid);
      this.#admit(waiting);
    } else if (isChanged(previous, pod) && isHelpedByOwnChange(this.#options.hints, waiting)) {
      this.#wake(waiting);
    }
  }

  #wake(waiting: QueuedPod): void {
    this.#waiting.delete(waiting.uid);
    if (waiting.backoffUntilMs > this.#options.clock.monotonicMs()) {
      this.#backoff.push(waiting);
      this.#armBackoffTimer();
    } else {
      this.#active.push(waiting);
    }
    this.#options.onReady();
  }

  /** Only pods that were refused; after an error, trying early would only hurry the next error. */
  #popEarly(): QueuedPod | undefined {
    const head = this.#backoff.peek();
    return head !== undefined && head.refusedBy.size > 0 ? this.#backoff.pop() : undefined;
  }

  #armBackoffTimer(): void {
    this.#backoffTimer?.cancel();
    const head = this.#backoff.peek();
    if (head === undefined || this.#isClosed) {
      return;
    }
    const delayMs = head.backoffUntilMs - this.#options.clock.monotonicMs();
    this.#backoffTimer = this.#options.clock.schedule(delayMs, () => this.#endBackoffs());
  }

  #endBackoffs(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (let head = this.#backoff.peek(); head !== undefined && head.backoffUntilMs <= nowMs;) {
      this.#active.push(this.#backoff.pop() ?? head);
      this.#options.onReady();
      head = this.#backoff.peek();
    }
    this.#armBackoffTimer();
  }

  #armWaitTimer(): void {
    if (this.#waitTimer === undefined && !this.#isClosed) {
      this.#waitTimer = this.#options.clock.schedule(WAIT_CHECK_PERIOD_MS, () => this.#endWaits());
    }
  }

  #endWaits(): void {
    this.#waitTimer = undefined;
    const longAgoMs = this.#options.clock.monotonicMs() - WAIT_MAX_MS;
    const overdue = [...this.#waiting.values()].filter(
      ({ gate, queuedAtMs }) => gate === undefined && queuedAtMs <= longAgoMs,
    );
    for (const waiting of overdue) {
      this.#wake(waiting);
    }
    if (this.#waiting.size > 0) {
      this.#armWaitTimer();
    }
  }
}

/** Changes of status and of bookkeeping do not count. */
function isChanged(previous: Pod, current: Pod): boolean {
  return (
    JSON.stringify(previous.spec) !== JSON.stringify(current.spec) ||
    JSON.stringify(previous.metadata.labels) !== JSON.stringify(current.metadata.labels)
  );
}
