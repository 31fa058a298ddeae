import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Timer } from './clock.ts';
import { assert } from './assert.ts';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Timers one `advance` may fire before it is taken for a loop that re-arms itself for ever. */
const TIMERS_PER_ADVANCE_MAX = 10_000_000;
/** Turns of the event loop without any sign of work after which nothing is left to do. */
const QUIET_TURNS = 4;
/** Real time after which work that shows no progress is taken to wait for this very clock. */
const STUCK_MS = 2_000;
/** Turns between two looks at the real time. */
const TURNS_PER_LOOK = 256;

/**
 * A clock that stands still until told to move.
 *
 * 1. Timers fire in the order of their due time, and in the order they were made when due together.
 * 2. While one fires, `nowMs()` is exactly its due time.
 * 3. Between two due times the event loop is drained, so that what the first one started is done
 *    before the second one is looked at.
 * 4. `advance` returns with the clock at the target time, whatever was armed on the way.
 * 5. Time does not move while somebody holds it ({@link hold}): requests under way, above all those whose
 *    answer comes over a real socket or from another thread.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #order = 0;
  /** A binary heap by (dueMs, order); cancelled timers are dropped when they come up. */
  readonly #heap: Pending[] = [];
  readonly #cancelled = new Set<Pending>();
  #holds = 0;
  /** Grows with every sign of work. */
  #activity = 0;

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    this.#activity++;
    const pending = { dueMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, callback };
    push(this.#heap, pending);
    let isDone = false;
    return {
      cancel: () => {
        if (!isDone && pending.order >= 0) {
          isDone = true;
          this.#cancelled.add(pending);
        }
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(abortReason(signal));
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        reject(abortReason(signal));
      };
      const timer = this.schedule(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** When the next live timer is due, or undefined when nothing waits. */
  nextDueMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.dueMs;
  }

  /** Moves time forward by `durationMs`, firing every timer on the way in order. */
  async advance(durationMs: number): Promise<void> {
    const targetMs = this.#nowMs + durationMs;
    await this.settle();
    for (let fired = 0; ; fired++) {
      assert(fired < TIMERS_PER_ADVANCE_MAX, 'a timer re-arms itself without end');
      const dueMs = this.nextDueMs();
      if (dueMs === undefined || dueMs > targetMs) {
        break;
      }
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      this.#fireDue();
      await this.settle();
    }
    this.#nowMs = Math.max(this.#nowMs, targetMs);
  }

  /** Keeps time where it is until the handle is disposed of. */
  hold(): Disposable {
    this.#holds++;
    this.#activity++;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) {
          isHeld = false;
          this.#holds--;
          this.#activity++;
        }
      },
    };
  }

  /** Lets everything that is runnable now run, without moving time. */
  async settle(): Promise<void> {
    let sinceMs = performance.now();
    for (let turn = 1, quiet = 0; quiet < QUIET_TURNS; turn++) {
      const before = this.#activity;
      await nextTurn();
      if (this.#activity !== before) {
        quiet = 0;
        sinceMs = performance.now();
      } else if (this.#holds === 0) {
        quiet++;
      } else if (turn % TURNS_PER_LOOK === 0 && performance.now() - sinceMs > STUCK_MS) {
        return;
      }
    }
  }

  #fireDue(): void {
    for (;;) {
      this.#dropCancelled();
      const head = this.#heap[0];
      if (head === undefined || head.dueMs > this.#nowMs) {
        return;
      }
      pop(this.#heap);
      head.callback();
    }
  }

  #dropCancelled(): void {
    for (let head = this.#heap[0]; head !== undefined && this.#cancelled.delete(head); head = this.#heap[0]) {
      pop(this.#heap);
    }
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('The operation was aborted', 'AbortError');
}

function isBefore(left: Pending, right: Pending): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
}

function push(heap: Pending[], item: Pending): void {
  let index = heap.push(item) - 1;
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !isBefore(item, parent)) {
      break;
    }
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = item;
}

function pop(heap: Pending[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) {
    return;
  }
  let index = 0;
  for (;;) {
    const leftIndex = index * 2 + 1;
    const left = heap[leftIndex];
    const right = heap[leftIndex + 1];
    if (left === undefined) {
      break;
    }
    const isRightFirst = right !== undefined && isBefore(right, left);
    const child = isRightFirst ? right : left;
    if (!isBefore(child, last)) {
      break;
    }
    heap[index] = child;
    index = isRightFirst ? leftIndex + 1 : leftIndex;
  }
  heap[index] = last;
}
