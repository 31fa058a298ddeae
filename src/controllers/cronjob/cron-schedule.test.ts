import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CronSchedule } from './cron-schedule.ts';
import { missedTimes } from './missed-times.ts';
import { TimeZone } from './time-zone.ts';

const rows: readonly { schedule: string; after: string; next: string; zone?: string }[] = [
  { schedule: '* * * * *', after: '2026-01-01T00:00:00Z', next: '2026-01-01T00:01:00Z' },
  { schedule: '*/15 * * * *', after: '2026-01-01T00:01:30Z', next: '2026-01-01T00:15:00Z' },
  { schedule: '0 9-17/4 * * mon-fri', after: '2026-01-02T17:30:00Z', next: '2026-01-05T09:00:00Z' },
  { schedule: '30 6 29 2 *', after: '2026-01-01T00:00:00Z', next: '2028-02-29T06:30:00Z' },
  { schedule: '0 0 13 * fri', after: '2026-01-03T00:00:00Z', next: '2026-01-09T00:00:00Z' },
  { schedule: '0 0 */2 * fri', after: '2026-01-03T00:00:00Z', next: '2026-01-05T00:00:00Z' },
  { schedule: '5,10 0 1 JAN,jul ?', after: '2026-01-01T00:05:00Z', next: '2026-01-01T00:10:00Z' },
  { schedule: '@monthly', after: '2026-12-15T00:00:00Z', next: '2027-01-01T00:00:00Z' },
  {
    schedule: '0 9 * * *',
    after: '2026-01-01T00:00:00Z',
    next: '2026-01-01T08:00:00Z',
    zone: 'Europe/Berlin',
  },
  {
    schedule: '0 9 * * *',
    after: '2026-07-01T00:00:00Z',
    next: '2026-07-01T07:00:00Z',
    zone: 'Europe/Berlin',
  },
  {
    schedule: '30 2 * * *',
    after: '2026-03-29T00:00:00Z',
    next: '2026-03-30T00:30:00Z',
    zone: 'Europe/Berlin',
  },
  {
    schedule: '30 2 * * *',
    after: '2026-10-25T00:30:00Z',
    next: '2026-10-25T01:30:00Z',
    zone: 'Europe/Berlin',
  },
  {
    schedule: '0 0 * * *',
    after: '2026-01-01T00:00:00Z',
    next: '2026-01-01T18:30:00Z',
    zone: 'Asia/Kolkata',
  },
];

for (const { schedule, after, next, zone } of rows) {
  test(`cron schedule: ${schedule} ${zone ?? 'UTC'} after ${after}`, () => {
    const nextMs = new CronSchedule(schedule).next(Date.parse(after), new TimeZone(zone)) ?? 0;
    assert.equal(new Date(nextMs).toISOString(), next.replace('Z', '.000Z'));
  });
}

test('cron schedule: a day that never comes', () => {
  assert.equal(new CronSchedule('0 0 30 2 *').next(0, new TimeZone(undefined)), undefined);
});

for (const text of [
  '',
  '* * * *',
  '60 * * * *',
  '* * 0 * *',
  '5-1 * * * *',
  '*/0 * * * *',
  'x * * * *',
  '@often',
  '1/2/3 * * * *',
]) {
  test(`cron schedule: ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => new CronSchedule(text), { name: 'CronScheduleError' });
  });
}

test('missed times: none, one, several, and too many', () => {
  const schedule = new CronSchedule('*/5 * * * *');
  const zone = new TimeZone('UTC');
  const at = (minutes: number): number => minutes * 60_000;
  assert.deepEqual(missedTimes(schedule, zone, at(0), at(4)), { dueMs: undefined, isTooMany: false });
  assert.deepEqual(missedTimes(schedule, zone, at(0), at(6)), { dueMs: at(5), isTooMany: false });
  assert.deepEqual(missedTimes(schedule, zone, at(0), at(33)), { dueMs: at(30), isTooMany: false });
  assert.deepEqual(missedTimes(schedule, zone, at(0), at(100_001)), { dueMs: at(100_000), isTooMany: true });
});
