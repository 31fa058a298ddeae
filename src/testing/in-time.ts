import type { VirtualClock } from '#base/virtual-clock.ts';

/** Lets time pass as needed until `work` is done: it may wait for this very clock. */
export async function inTime<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  work.then(end, end);
  for (await clock.settle(); !ended.signal.aborted;) {
    await clock.advance((clock.nextDueMs() ?? clock.nowMs()) - clock.nowMs());
  }
  return await work;
}
