import { jsonEqual } from '#base/json-equal.ts';
import type { Job, JobStatus } from '../types/batch.v1.ts';
import { checkCounts } from './workload-rules.ts';
import { indexProblems, overlapOf } from './job-index-rules.ts';
import type { Problems } from './problems.ts';

const CONDITIONS = 'status.conditions';

/** A Job with what its conditions say of it. */
interface Outcome {
  readonly job: Job;
  readonly status: JobStatus;
  readonly isComplete: boolean;
  readonly isFailed: boolean;
  readonly isFinished: boolean;
  readonly isFailing: boolean;
  readonly isSuccess: boolean;
  readonly isSuspended: boolean;
}

function outcomeOf(job: Job): Outcome {
  const { status } = job;
  const isTrue = (type: string): boolean =>
    (status.conditions ?? []).some((each) => each.type === type && each.status === 'True');
  const [isComplete, isFailed] = [isTrue('Complete'), isTrue('Failed')];
  return {
    job,
    status,
    isComplete,
    isFailed,
    isFinished: isComplete || isFailed,
    isFailing: isTrue('FailureTarget'),
    isSuccess: isTrue('SuccessCriteriaMet'),
    isSuspended: isTrue('Suspended'),
  };
}

/**
 * What a controller may say of a Job, whoever wrote it: what clients have been told once stays true. Only what changes
 * is held against the rules, so that a status which was wrong before does not get stuck.
 */
export function checkJobStatus(problems: Problems, job: Job, previous: Job): void {
  const [next, before] = [outcomeOf(job), outcomeOf(previous)];
  checkCounts(problems, next.status, ['active', 'succeeded', 'failed', 'ready', 'terminating']);
  checkUncounted(problems, next.status);
  checkConclusion(problems, next, before);
  checkTimes(problems, next, before);
  checkVerdicts(problems, next, before);
  checkFinished(problems, next, before);
  checkIndexes(problems, next, before);
  checkLast(problems, next, before);
  checkLasting(problems, next, before);
}

function checkUncounted(problems: Problems, { uncountedTerminatedPods }: JobStatus): void {
  const seen = new Set<string>();
  for (const field of ['succeeded', 'failed'] as const) {
    for (const [index, uid] of (uncountedTerminatedPods?.[field] ?? []).entries()) {
      const at = `status.uncountedTerminatedPods.${field}[${index}]`;
      if (uid === '') {
        problems.invalid(at, uid, 'must not be empty');
      } else if (seen.has(uid)) {
        problems.duplicate(at, uid);
      }
      seen.add(uid);
    }
  }
}

function checkConclusion(problems: Problems, next: Outcome, before: Outcome): void {
  const isNew = next.isComplete !== before.isComplete;
  if ((isNew || next.isFailed !== before.isFailed) && next.isComplete && next.isFailed) {
    problems.invalidAlone(CONDITIONS, 'cannot set Complete=True and Failed=true conditions');
  }
  if ((isNew || next.isFailing !== before.isFailing) && next.isComplete && next.isFailing) {
    problems.invalidAlone(CONDITIONS, 'cannot set Complete=True and FailureTarget=true conditions');
  }
}

function checkTimes(problems: Problems, next: Outcome, before: Outcome): void {
  const { startTime, completionTime } = next.status;
  const isNew = next.isComplete !== before.isComplete || completionTime !== before.status.completionTime;
  const at = 'status.completionTime';
  if (isNew && completionTime !== undefined && !next.isComplete) {
    problems.invalid(
      at,
      completionTime,
      'cannot set completionTime when there is no Complete=True condition',
    );
  }
  if (isNew && completionTime === undefined && next.isComplete) {
    problems.required(at, 'completionTime is required for Complete jobs');
  }
  const isTimed = startTime !== before.status.startTime || completionTime !== before.status.completionTime;
  if (
    isTimed &&
    startTime !== undefined &&
    completionTime !== undefined &&
    Date.parse(completionTime) < Date.parse(startTime)
  ) {
    problems.invalid(at, completionTime, 'completionTime cannot be set before startTime');
  }
}

function checkVerdicts(problems: Problems, next: Outcome, before: Outcome): void {
  if (
    (next.isFailed !== before.isFailed || next.isFailing !== before.isFailing) &&
    next.isFailed &&
    !next.isFailing
  ) {
    problems.invalidAlone(
      CONDITIONS,
      'cannot set Failed=True condition without the FailureTarget=true condition',
    );
  }
  if (
    (next.isComplete !== before.isComplete || next.isSuccess !== before.isSuccess) &&
    next.isComplete &&
    !next.isSuccess
  ) {
    problems.invalidAlone(
      CONDITIONS,
      'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    );
  }
}

function checkFinished(problems: Problems, next: Outcome, before: Outcome): void {
  if (!next.isFinished) {
    return;
  }
  const isNew = !before.isFinished;
  const { active = 0, startTime, uncountedTerminatedPods: uncounted } = next.status;
  if ((isNew || active !== (before.status.active ?? 0)) && active > 0) {
    problems.invalid('status.active', active, 'active>0 is invalid for finished job');
  }
  if ((isNew || startTime !== before.status.startTime) && startTime === undefined) {
    problems.required('status.startTime', 'startTime is required for finished job');
  }
  const count = (uncounted?.failed ?? []).length + (uncounted?.succeeded ?? []).length;
  const isChanged = !jsonEqual(uncounted, before.status.uncountedTerminatedPods);
  if ((isNew || isChanged) && count > 0) {
    problems.invalid(
      'status.uncountedTerminatedPods',
      uncounted,
      'uncountedTerminatedPods needs to be empty for finished job',
    );
  }
}

function checkIndexes(problems: Problems, next: Outcome, before: Outcome): void {
  const { completions, completionMode, backoffLimitPerIndex } = next.job.spec;
  const { completedIndexes = '', failedIndexes } = next.status;
  const isCompletedNew = completedIndexes !== (before.status.completedIndexes ?? '');
  const isFailedNew = failedIndexes !== before.status.failedIndexes;
  const check = (path: string, indexes: string): void => {
    const wrong = completions === undefined ? undefined : indexProblems(indexes, completions);
    if (wrong !== undefined) {
      problems.invalid(path, indexes, `error parsing ${path.slice('status.'.length)}: ${wrong}`);
    }
  };
  if (isCompletedNew) {
    check('status.completedIndexes', completedIndexes);
  }
  if (isFailedNew && failedIndexes !== undefined && backoffLimitPerIndex !== undefined) {
    check('status.failedIndexes', failedIndexes);
  }
  if (isCompletedNew && completedIndexes !== '' && completionMode !== 'Indexed') {
    problems.invalid(
      'status.completedIndexes',
      completedIndexes,
      'cannot set non-empty completedIndexes when non-indexed completion mode',
    );
  }
  if (isFailedNew && failedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    problems.invalid(
      'status.failedIndexes',
      failedIndexes,
      'cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    );
  }
  if ((isCompletedNew || isFailedNew) && completions !== undefined && failedIndexes !== undefined) {
    const overlap = overlapOf(completedIndexes, failedIndexes);
    if (overlap !== undefined) {
      problems.invalid(
        'status.failedIndexes',
        failedIndexes,
        `failedIndexes and completedIndexes overlap at index: ${overlap}`,
      );
    }
  }
}

function checkLast(problems: Problems, next: Outcome, before: Outcome): void {
  const { terminating = 0, ready, active = 0 } = next.status;
  const isTerminatingNew = terminating !== (before.status.terminating ?? 0);
  if ((next.isFinished !== before.isFinished || isTerminatingNew) && terminating > 0 && next.isFinished) {
    problems.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job');
  }
  const isCountNew = ready !== before.status.ready || active !== (before.status.active ?? 0);
  if (isCountNew && ready !== undefined && ready > active) {
    problems.invalid('status.ready', ready, 'cannot set more ready pods than active');
  }
  if (next.isSuccess && next.isFailed) {
    problems.invalidAlone(CONDITIONS, 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  }
  if (next.isSuccess && next.isFailing) {
    problems.invalidAlone(CONDITIONS, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  }
  if (next.job.spec.successPolicy !== undefined && !next.isSuccess && next.isComplete) {
    problems.invalidAlone(
      CONDITIONS,
      'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
    );
  }
}

/** What was said once. */
function checkLasting(problems: Problems, next: Outcome, before: Outcome): void {
  const terminal = { Failed: 'isFailed', Complete: 'isComplete', FailureTarget: 'isFailing' } as const;
  for (const [type, field] of Object.entries(terminal)) {
    if (before[field] && !next[field]) {
      problems.invalidAlone(CONDITIONS, `cannot disable the terminal ${type}=True condition`);
    }
  }
  const { spec } = next.job;
  // An elastic job may have fewer pods that count once it is scaled down.
  const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const field of isElastic ? (['failed'] as const) : (['failed', 'succeeded'] as const)) {
    const count = next.status[field] ?? 0;
    if (count < (before.status[field] ?? 0)) {
      problems.invalid(`status.${field}`, count, `cannot decrease the ${field} counter`);
    }
  }
  const { completionTime, startTime } = next.status;
  const { completionTime: completedBefore, startTime: startedBefore } = before.status;
  if (completionTime !== undefined && completedBefore !== undefined && completionTime !== completedBefore) {
    problems.invalid('status.completionTime', completionTime, 'completionTime cannot be mutated');
  }
  // A job that goes on after it was suspended starts once more.
  const isResuming = before.isSuspended && !next.isSuspended;
  if (startedBefore !== undefined && startTime !== startedBefore && spec.suspend !== true && !isResuming) {
    problems.invalid('status.startTime', startTime, 'field is immutable for unsuspended job once set');
  }
  if (before.isSuccess && !next.isSuccess) {
    problems.invalidAlone(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition');
  }
  if (before.isComplete && !before.isSuccess && next.isSuccess) {
    problems.invalidAlone(
      CONDITIONS,
      'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions',
    );
  }
}
