import type { CronSchedule } from './cron-schedule.ts';
import type { TimeZone } from './time-zone.ts';

export interface MissedTimes {
  /** The latest time that is due; undefined when none is. */
  readonly dueMs: number | undefined;
  /** More than a hundred times were missed: the clock jumped, or nobody was there for long. */
  readonly isTooMany: boolean;
}

const MISSED_MAX = 100;

/** The times of a schedule after `fromMs` and up to `nowMs`. */
export function missedTimes(
  schedule: CronSchedule,
  zone: TimeZone,
  fromMs: number,
  nowMs: number,
): MissedTimes {
  const first = schedule.next(fromMs, zone);
  if (first === undefined || first > nowMs) {
    return { dueMs: undefined, isTooMany: false };
  }
  const second = schedule.next(first, zone);
  if (second === undefined || second > nowMs) {
    return { dueMs: first, isTooMany: false };
  }
  // An estimate from the first interval; only the last stretch is walked, however long nobody was there.
  const intervalMs = second - first;
  const missed = Math.floor((nowMs - first) / intervalMs) + 1;
  let dueMs = first;
  const startMs = missed > 2 ? first + (missed - 2) * intervalMs - 1 : first;
  for (
    let atMs = schedule.next(startMs, zone);
    atMs !== undefined && atMs <= nowMs;
    atMs = schedule.next(atMs, zone)
  ) {
    dueMs = atMs;
  }
  return { dueMs, isTooMany: missed > MISSED_MAX };
}
