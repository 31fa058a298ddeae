import type { TimeZone } from './time-zone.ts';

/** The text is no schedule; the message says what is wrong with it. */
export class CronScheduleError extends Error {
  override readonly name = 'CronScheduleError';
  readonly code = 'controllers/cron-schedule';
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

/** The values a field accepts. */
interface Accepted {
  readonly values: ReadonlySet<number>;
  /** Written as `*` or `?`: the field does not care. */
  readonly isAny: boolean;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE: Field = { name: 'minute', min: 0, max: 59 };
const HOUR: Field = { name: 'hour', min: 0, max: 23 };
const DAY: Field = { name: 'day of month', min: 1, max: 31 };
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTHS };
const WEEKDAY: Field = { name: 'day of week', min: 0, max: 6, names: WEEKDAYS };

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A schedule that is not met within so many years (the 30th of February) never is. */
const YEARS_MAX = 5;

/** When to run: the five fields of cron, with names, ranges, lists, steps and nicknames. */
export class CronSchedule {
  readonly #minutes: Accepted;
  readonly #hours: Accepted;
  readonly #days: Accepted;
  readonly #months: Accepted;
  readonly #weekdays: Accepted;

  /** @throws {CronScheduleError} */
  constructor(text: string) {
    const trimmed = text.trim();
    const fields = (NICKNAMES[trimmed] ?? trimmed).split(/\s+/);
    if (fields.length !== 5) {
      throw new CronScheduleError(`expected exactly 5 fields, found ${fields.length}: [${trimmed}]`);
    }
    const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
    this.#minutes = parseField(minute, MINUTE);
    this.#hours = parseField(hour, HOUR);
    this.#days = parseField(day, DAY);
    this.#months = parseField(month, MONTH);
    this.#weekdays = parseField(weekday, WEEKDAY);
  }

  /**
   * The first time after `afterMs`, by the clocks of `zone`. Local times that a change to summer time leaves out
   * are left out, those that come twice come twice. Undefined when there is none within five years.
   */
  next(afterMs: number, zone: TimeZone): number | undefined {
    let atMs = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
    const endMs = afterMs + YEARS_MAX * 366 * DAY_MS;
    while (atMs <= endMs) {
      const local = zone.civil(atMs);
      if (!this.#months.values.has(local.month)) {
        atMs = later(atMs, zone.startOfDay(local.year, local.month + 1, 1));
      } else if (!this.#isDay(local.day, local.weekday)) {
        atMs = later(atMs, zone.startOfDay(local.year, local.month, local.day + 1));
      } else if (!this.#hours.values.has(local.hour)) {
        atMs += (60 - local.minute) * MINUTE_MS;
      } else if (this.#minutes.values.has(local.minute)) {
        return atMs;
      } else {
        atMs += MINUTE_MS;
      }
    }
    return undefined;
  }

  /** Where both days are restricted, either is enough: the rule of every cron since the first. */
  #isDay(day: number, weekday: number): boolean {
    const isDay = this.#days.values.has(day);
    const isWeekday = this.#weekdays.values.has(weekday);
    return this.#days.isAny || this.#weekdays.isAny ? isDay && isWeekday : isDay || isWeekday;
  }
}

/** Time always moves on, whatever the calendar of a zone does. */
function later(atMs: number, candidateMs: number): number {
  return Math.max(candidateMs, atMs + MINUTE_MS);
}

function parseField(text: string, field: Field): Accepted {
  const values = new Set<number>();
  let isAny = false;
  for (const part of text.split(',')) {
    const [range = '', stepText, ...rest] = part.split('/');
    const step = stepText === undefined ? 1 : parseNumber(stepText, field);
    if (rest.length > 0 || step < 1) {
      throw new CronScheduleError(`bad step in ${field.name}: ${part}`);
    }
    const isWhole = range === '*' || range === '?';
    isAny ||= isWhole && step === 1;
    const [first, last] = isWhole ? [field.min, field.max] : parseRange(range, field, stepText !== undefined);
    for (let value = first; value <= last; value += step) {
      values.add(value);
    }
  }
  return { values, isAny };
}

function parseRange(text: string, field: Field, hasStep: boolean): readonly [number, number] {
  const [firstText = '', lastText, ...rest] = text.split('-');
  const first = parseNumber(firstText, field);
  const last = lastText === undefined ? (hasStep ? field.max : first) : parseNumber(lastText, field);
  if (rest.length > 0 || first < field.min || last > field.max || first > last) {
    throw new CronScheduleError(`${field.name} out of range (${field.min} to ${field.max}): ${text}`);
  }
  return [first, last];
}

function parseNumber(text: string, { name, min, names = [] }: Field): number {
  const index = names.indexOf(text.toLowerCase());
  if (index >= 0) {
    return index + min;
  }
  if (!/^\d+$/.test(text)) {
    throw new CronScheduleError(`failed to parse ${name}: ${text}`);
  }
  return Number(text);
}
