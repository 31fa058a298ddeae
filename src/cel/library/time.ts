import { method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { EvaluationError } from '../value.ts';
import type { Timestamp, Value } from '../value.ts';

const DAY_MS = 86_400_000;

/** Fields of a moment in some time zone, held as if it were UTC. */
type Read = (local: Date, timestamp: Timestamp) => number;

const FIELDS: readonly (readonly [name: string, overload: string, read: Read])[] = [
  ['getFullYear', 'timestamp_to_year', (local) => local.getUTCFullYear()],
  ['getMonth', 'timestamp_to_month', (local) => local.getUTCMonth()],
  ['getDayOfYear', 'timestamp_to_day_of_year', dayOfYear],
  ['getDayOfMonth', 'timestamp_to_day_of_month', (local) => local.getUTCDate() - 1],
  ['getDate', 'timestamp_to_day_of_month_1_based', (local) => local.getUTCDate()],
  ['getDayOfWeek', 'timestamp_to_day_of_week', (local) => local.getUTCDay()],
  ['getHours', 'timestamp_to_hours', (local) => local.getUTCHours()],
  ['getMinutes', 'timestamp_to_minutes', (local) => local.getUTCMinutes()],
  ['getSeconds', 'timestamp_to_seconds', (local) => local.getUTCSeconds()],
  ['getMilliseconds', 'timestamp_to_milliseconds', (_local, { nanos }) => Math.floor(nanos / 1e6)],
];

function dayOfYear(local: Date): number {
  const yearStart = new Date(0);
  yearStart.setUTCFullYear(local.getUTCFullYear(), 0, 1);
  return Math.floor((local.getTime() - yearStart.getTime()) / DAY_MS);
}

/** What the wall clock of a zone shows; zones are IANA names or offsets such as `-03:30`. */
function localTime({ seconds }: Timestamp, zone: string): Date | EvaluationError {
  const offset = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date((seconds + (offset[1] === '-' ? -60 : 60) * minutes) * 1000);
  }
  const formatter = formatterOf(zone);
  if (formatter === undefined) {
    return new EvaluationError(`unknown time zone ${zone}`);
  }
  const parts = new Map(
    formatter.formatToParts(new Date(seconds * 1000)).map(({ type, value }) => [type, Number(value)]),
  );
  const local = new Date(0);
  local.setUTCFullYear(parts.get('year') ?? 0, (parts.get('month') ?? 1) - 1, parts.get('day') ?? 1);
  local.setUTCHours(parts.get('hour') ?? 0, parts.get('minute') ?? 0, parts.get('second') ?? 0);
  return local;
}

/** There are a few hundred zones, so this stays small. */
const FORMATTERS = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
  const known = FORMATTERS.get(zone);
  if (known !== undefined) {
    return known;
  }
  try {
    const formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    FORMATTERS.set(zone, formatter);
    return formatter;
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

function inZone(read: Read): (timestamp: Timestamp, zone: string) => Value {
  return (timestamp, zone) => {
    const local = localTime(timestamp, zone);
    return local instanceof Date ? read(local, timestamp) : local;
  };
}

/** Parts of a timestamp, in UTC unless a zone is given. */
export const TIME: Library = {
  overloads: FIELDS.flatMap(([name, overload, read]) => [
    method(overload, `${name}(timestamp): int`, (timestamp: Timestamp) =>
      read(new Date(timestamp.seconds * 1000), timestamp),
    ),
    method(`${overload}_with_tz`, `${name}(timestamp, string): int`, inZone(read)),
  ]),
};
