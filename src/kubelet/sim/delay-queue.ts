import type { Clock, Timer } from '#base/clock.ts';

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Many callbacks, one timer of the clock: cheap enough for every pod of thousands of nodes. */
export class DelayQueue {
  readonly #clock: Clock;
  /** A binary heap by (dueMs, order). */
  readonly #heap: Entry[] = [];
  #order = 0;
  #timer: { readonly dueMs: number; readonly timer: Timer } | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `run` once after the delay. What it depends on may have changed by then: it has to look. */
  add(delayMs: number, run: () => void): void {
    if (this.#isClosed) {
      return;
    }
    push(this.#heap, { dueMs: this.#clock.monotonicMs() + delayMs, order: this.#order++, run });
    this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.timer.cancel();
    this.#heap.length = 0;
  }

  #arm(): void {
    const dueMs = this.#heap[0]?.dueMs;
    if (dueMs === undefined || (this.#timer !== undefined && this.#timer.dueMs <= dueMs)) {
      return;
    }
    this.#timer?.timer.cancel();
    const delayMs = Math.max(Math.ceil(dueMs - this.#clock.monotonicMs()), 0);
    this.#timer = { dueMs, timer: this.#clock.schedule(delayMs, () => this.#fire()) };
  }

  #fire(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (let head = this.#heap[0]; head !== undefined && head.dueMs <= nowMs; head = this.#heap[0]) {
      pop(this.#heap);
      head.run();
    }
    this.#arm();
  }
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !isBefore(entry, parent)) {
      break;
    }
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) {
    return;
  }
  let index = 0;
  for (;;) {
    const left = heap[index * 2 + 1];
    const right = heap[index * 2 + 2];
    const isRightFirst = left !== undefined && right !== undefined && isBefore(right, left);
    const child = isRightFirst ? right : left;
    if (child === undefined || !isBefore(child, last)) {
      break;
    }
    heap[index] = child;
    index = isRightFirst ? index * 2 + 2 : index * 2 + 1;
  }
  heap[index] = last;
}
