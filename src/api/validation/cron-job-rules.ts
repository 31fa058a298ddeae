import type { CronJob } from '../types/batch.v1.ts';
import { checkJobSpec } from './batch-rules.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';

/** Room for the eleven characters that a controller adds to make the name of a Job. */
const CRON_NAME_MAX = 52;

export const CRON_JOB_RULES: KindRules<CronJob> = {
  check(problems, { spec }) {
    if (spec.schedule === '') {
      problems.required('spec.schedule');
    } else {
      checkSchedule(problems, spec.schedule, spec.timeZone);
    }
    problems.nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
    checkTimeZone(problems, spec.timeZone);
    problems.requiredOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
    const template = spec.jobTemplate.spec;
    checkJobSpec(problems, 'spec.jobTemplate.spec', template);
    if (template.selector !== undefined) {
      problems.invalid(
        'spec.jobTemplate.spec.selector',
        template.selector,
        '`selector` will be auto-generated',
      );
    }
    if (template.manualSelector === true) {
      problems.notOneOf('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']);
    }
    problems.nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
    problems.nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
  },
  onCreate(problems, { metadata }) {
    if (metadata.name.length > CRON_NAME_MAX) {
      problems.invalid('metadata.name', metadata.name, `must be no more than ${CRON_NAME_MAX} characters`);
    }
  },
};

const MACRO = /^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/;
const FIELD =
  /^(?:\*|\?|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:\/[0-9]+)?(?:,(?:\*|\?|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:\/[0-9]+)?)*$/;
const FIELD_BOUNDS: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
];

function checkSchedule(problems: Problems, schedule: string, timeZone: string | undefined): void {
  const path = 'spec.schedule';
  if (/^(?:CRON_)?TZ=/.test(schedule)) {
    problems.invalid(
      path,
      schedule,
      timeZone === undefined
        ? 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
        : 'cannot use both timeZone field and TZ or CRON_TZ in schedule',
    );
    return;
  }
  if (MACRO.test(schedule)) {
    return;
  }
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== FIELD_BOUNDS.length) {
    problems.invalid(
      path,
      schedule,
      `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`,
    );
    return;
  }
  for (const [index, field] of fields.entries()) {
    const [low, high] = FIELD_BOUNDS[index] ?? [0, 0];
    const numbers = [...field.replaceAll(/\/\d+/g, '').matchAll(/\d+/g)].map(Number);
    if (!FIELD.test(field)) {
      problems.invalid(
        path,
        schedule,
        `failed to parse int from ${field}: strconv.Atoi: parsing "${field}": invalid syntax`,
      );
    } else if (numbers.some((number) => number > high)) {
      problems.invalid(
        path,
        schedule,
        `end of range (${Math.max(...numbers)}) above maximum (${high}): ${field}`,
      );
    } else if (numbers.some((number) => number < low)) {
      problems.invalid(
        path,
        schedule,
        `beginning of range (${Math.min(...numbers)}) below minimum (${low}): ${field}`,
      );
    }
  }
}

function checkTimeZone(problems: Problems, timeZone: string | undefined): void {
  if (timeZone === undefined) {
    return;
  }
  if (timeZone === '') {
    problems.invalid('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string');
  } else if (timeZone.toLowerCase() === 'local') {
    problems.invalid(
      'spec.timeZone',
      timeZone,
      'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    );
  } else if (!isTimeZone(timeZone)) {
    problems.invalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`);
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) {
      return false;
    }
    throw error;
  }
}
