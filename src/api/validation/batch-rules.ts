import type { CronJob, Job, JobSpec } from '../types/batch.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import { labelSelectorFromObject } from '../label-selector.ts';
import { checkPodTemplate } from './pod-spec-rules.ts';
import type { Problems } from './problems.ts';

const INDEXED_COMPLETIONS_MAX = 100_000;
/** Room for the eleven characters that a controller adds to make the name of a Job. */
const CRON_NAME_MAX = 52;

export const JOB_RULES: KindRules<Job> = {
  check(problems, { metadata, spec }) {
    checkJobSpec(problems, 'spec', spec);
    if (spec.selector !== undefined) {
      checkLabelSelector(problems, 'spec.selector', spec.selector);
      const { labels } = spec.template.metadata;
      if (problems.found.length === 0 && !labelSelectorFromObject(spec.selector).matches(labels)) {
        problems.invalid(
          'spec.template.metadata.labels',
          labels,
          '`selector` does not match template `labels`',
        );
      }
    }
    if (spec.completionMode === 'Indexed' && spec.completions !== undefined && spec.completions > 0) {
      const podName = `${metadata.name}-${spec.completions - 1}`;
      if (podName.length > 63) {
        problems.invalid(
          'metadata.name',
          metadata.name,
          `will not able to create pod with invalid DNS label: "${podName}"`,
        );
      }
    }
  },
  onUpdate(problems, next, previous) {
    const isElastic =
      next.spec.completionMode === 'Indexed' && next.spec.completions === next.spec.parallelism;
    if (!isElastic) {
      problems.immutable('spec.completions', next.spec.completions, previous.spec.completions);
    }
    problems.immutable('spec.selector', next.spec.selector, previous.spec.selector);
    const mayChangeTemplate = previous.spec.suspend === true && previous.status.startTime === undefined;
    if (!mayChangeTemplate) {
      problems.immutable('spec.template', next.spec.template, previous.spec.template);
    }
    problems.immutable('spec.completionMode', next.spec.completionMode, previous.spec.completionMode);
    problems.immutable('spec.podFailurePolicy', next.spec.podFailurePolicy, previous.spec.podFailurePolicy);
    problems.immutable(
      'spec.backoffLimitPerIndex',
      next.spec.backoffLimitPerIndex,
      previous.spec.backoffLimitPerIndex,
    );
    problems.immutable('spec.managedBy', next.spec.managedBy, previous.spec.managedBy);
    problems.immutable('spec.successPolicy', next.spec.successPolicy, previous.spec.successPolicy);
  },
};

function checkJobSpec(problems: Problems, path: string, spec: JobSpec): void {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const) {
    problems.nonNegative(`${path}.${field}`, spec[field]);
  }
  if (spec.completionMode !== undefined) {
    problems.oneOf(`${path}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed']);
  }
  if (spec.completionMode === 'Indexed') {
    if (spec.completions === undefined) {
      problems.required(`${path}.completions`, 'when completion mode is Indexed');
    }
    if ((spec.completions ?? 0) > INDEXED_COMPLETIONS_MAX && (spec.parallelism ?? 0) > 10_000) {
      problems.invalid(
        `${path}.parallelism`,
        spec.parallelism,
        `must be less than or equal to 10000 when completion mode is Indexed and completions is greater than ${INDEXED_COMPLETIONS_MAX}`,
      );
    }
  }
  if (spec.podReplacementPolicy !== undefined) {
    problems.oneOf(
      `${path}.podReplacementPolicy`,
      spec.podReplacementPolicy,
      spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'],
    );
  }
  checkPodTemplate(problems, `${path}.template`, spec.template);
  // What the pod rules already refuse is not said twice.
  if (spec.template.spec.restartPolicy === 'Always') {
    problems.oneOf(`${path}.template.spec.restartPolicy`, 'Always', ['OnFailure', 'Never']);
  }
  if (spec.podFailurePolicy !== undefined && spec.template.spec.restartPolicy !== 'Never') {
    problems.invalid(
      `${path}.template.spec.restartPolicy`,
      spec.template.spec.restartPolicy,
      'only "Never" is supported when podFailurePolicy is specified',
    );
  }
}

export const CRON_JOB_RULES: KindRules<CronJob> = {
  check(problems, { spec }) {
    if (spec.schedule === '') {
      problems.required('spec.schedule');
    } else {
      checkSchedule(problems, spec.schedule, spec.timeZone);
    }
    problems.nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
    problems.requiredOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
    checkTimeZone(problems, spec.timeZone);
    problems.nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
    problems.nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
    if (spec.jobTemplate.spec.manualSelector === true) {
      problems.oneOf('spec.jobTemplate.spec.manualSelector', 'true', ['nil', 'false']);
    }
    checkJobSpec(problems, 'spec.jobTemplate.spec', spec.jobTemplate.spec);
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
