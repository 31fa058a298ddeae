import { assert } from '#base/assert.ts';
import type { Clock, Timer } from '#base/clock.ts';

/** Slots of one second. An item further away than a turn of the wheel stays in its slot for another turn. */
const SLOTS = 4_096;

/**
 * Says when items are due, to the second, with one timer for all of them: adding and removing cost the
 * same for ten items and for a million.
 */
export class TimingWheel<T> {
  readonly #clock: Clock;
  readonly #onDue: (items: readonly T[]) => void;
  readonly #slots: (Map<T, number> | undefined)[] = Array.from({ length: SLOTS });
  readonly #dueOf = new Map<T, number>();
  /** The last second that was looked at. */
  #second: number;
  #timer: Timer | undefined;
  /** The second the timer is set to. */
  #timerSecond = Infinity;

  /** @param onDue gets everything that came due since the last call, at most a second late */
  constructor(clock: Clock, onDue: (items: readonly T[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#second = this.#now();
  }

  get size(): number {
    return this.#dueOf.size;
  }

  /** Puts `item` on the wheel, or moves it when it is already there. */
  add(item: T, delayMs: number): void {
    this.remove(item);
    const due = Math.max(Math.ceil((this.#clock.monotonicMs() + delayMs) / 1_000), this.#second + 1);
    const slot = (this.#slots[due % SLOTS] ??= new Map());
    slot.set(item, due);
    this.#dueOf.set(item, due);
    if (due < this.#timerSecond) {
      this.#arm(due);
    }
  }

  remove(item: T): void {
    const due = this.#dueOf.get(item);
    if (due !== undefined) {
      this.#dueOf.delete(item);
      this.#slots[due % SLOTS]?.delete(item);
    }
  }

  /** Forgets everything and stops the timer. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerSecond = Infinity;
    this.#dueOf.clear();
    this.#slots.fill(undefined);
  }

  #now(): number {
    return Math.floor(this.#clock.monotonicMs() / 1_000);
  }

  #arm(second: number): void {
    this.#timer?.cancel();
    this.#timerSecond = second;
    this.#timer = this.#clock.schedule(second * 1_000 - this.#clock.monotonicMs(), () => this.#turn());
  }

  #turn(): void {
    this.#timer = undefined;
    this.#timerSecond = Infinity;
    const now = this.#now();
    const due: T[] = [];
    // A machine that slept may have missed more than a whole turn; every slot is then looked at once.
    const from = Math.max(this.#second + 1, now - SLOTS + 1);
    for (let second = from; second <= now; second++) {
      for (const [item, dueSecond] of this.#slots[second % SLOTS] ?? []) {
        if (dueSecond <= now) {
          due.push(item);
        }
      }
    }
    this.#second = Math.max(now, this.#second);
    for (const item of due) {
      this.remove(item);
    }
    if (this.#dueOf.size > 0) {
      this.#arm(this.#nextSecond());
    }
    if (due.length > 0) {
      this.#onDue(due);
    }
  }

  /** The next second with an item in its slot, even if for a later turn. */
  #nextSecond(): number {
    let second = this.#second + 1;
    while ((this.#slots[second % SLOTS]?.size ?? 0) === 0) {
      second += 1;
      assert(second <= this.#second + SLOTS, 'an item is in some slot');
    }
    return second;
  }
}
