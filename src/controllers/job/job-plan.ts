import { formatTime, parseTime } from '#api/time.ts';
import type { Job, JobCondition, JobStatus } from '#api/types/batch.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { isPodReady, isPodTerminal } from '../pods/pod-state.ts';
import { formatIndexes, parseIndexes } from './completion-indexes.ts';
import { completionIndexOf, hasFailed, hasSucceeded, isIndexed, isTracked } from './job-pods.ts';
import { hasLimitPerIndex, type IndexFailures, indexFailures } from './failed-indexes.ts';
import { judgeFailure } from './pod-failure-policy.ts';

/** What one pass over a job comes to. The status is written first; only then may counted pods be let go. */
export interface JobPlan {
  readonly status: JobStatus;
  readonly remove: readonly Pod[];
  /** How many pods to make, and their indexes in an indexed job. */
  readonly createCount: number;
  readonly createIndexes: readonly number[];
  /** Failures that earlier pods of an index have had. */
  readonly indexFailureCounts: ReadonlyMap<number, number>;
  /** Pods that the written status counts, to be let go. */
  readonly release: readonly Pod[];
  /** Failures that were not seen before, for the back-off. */
  readonly newFailures: number;
  readonly newSuccesses: number;
  readonly conditionsAdded: readonly JobCondition[];
}

interface Tally {
  readonly active: readonly Pod[];
  readonly terminatingCount: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly completed: ReadonlySet<number>;
  readonly byIndex: IndexFailures;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  readonly release: readonly Pod[];
  readonly newFailures: number;
  readonly newSuccesses: number;
  readonly policyFailure: string | undefined;
}

interface Ending {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

/** Pods made in one pass at most. */
const CREATIONS_MAX = 500;

export function findJobCondition({ conditions = [] }: JobStatus, type: string): JobCondition | undefined {
  return conditions.find((condition) => condition.type === type && condition.status === 'True');
}

export function isFinished({ status }: Job): boolean {
  return (
    findJobCondition(status, 'Complete') !== undefined || findJobCondition(status, 'Failed') !== undefined
  );
}

/** Decides and writes nothing. `pods` are all that belong to the job, finished ones included. */
export function planJob(job: Job, pods: readonly Pod[], nowMs: number): JobPlan {
  const tally = countPods(job, pods);
  const isSuspended = job.spec.suspend === true;
  const startTime = isSuspended ? undefined : (job.status.startTime ?? formatTime(nowMs));
  const ending = endingOf(job, tally, pods, startTime, nowMs);
  const demand =
    ending === undefined && !isSuspended
      ? demandOf(job, tally)
      : { remove: tally.active, create: 0, indexes: [] };
  const uncountedCount = tally.uncounted.succeeded.length + tally.uncounted.failed.length;
  const hasPodsLeft = tally.active.length > 0 || tally.terminatingCount > 0 || uncountedCount > 0;
  const added = conditionsFor(job, ending, hasPodsLeft, nowMs);
  const conditions = mergeConditions(job.status.conditions ?? [], added);
  const isComplete = added.some(({ type }) => type === 'Complete');
  const { uncounted } = tally;
  const status: JobStatus = {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(isComplete ? { completionTime: formatTime(nowMs) } : {}),
    active: tally.active.length,
    ready: tally.active.filter(isPodReady).length,
    terminating: tally.terminatingCount,
    succeeded: tally.succeeded - uncounted.succeeded.length,
    failed: tally.failed - uncounted.failed.length,
    ...(isIndexed(job) ? { completedIndexes: formatIndexes(tally.completed) } : {}),
    ...(hasLimitPerIndex(job) ? { failedIndexes: formatIndexes(tally.byIndex.failed) } : {}),
    uncountedTerminatedPods: {
      ...(uncounted.succeeded.length === 0 ? {} : { succeeded: uncounted.succeeded }),
      ...(uncounted.failed.length === 0 ? {} : { failed: uncounted.failed }),
    },
  };
  const { release, newFailures, newSuccesses } = tally;
  return {
    status,
    remove: demand.remove,
    createCount: demand.create,
    createIndexes: demand.indexes,
    indexFailureCounts: tally.byIndex.counts,
    release,
    newFailures,
    newSuccesses,
    conditionsAdded: added,
  };
}

/**
 * A finished pod is first listed as uncounted, then let go, and counted once it shows that it was. So a crash
 * at any point neither loses a pod nor counts it twice.
 */
function countPods(job: Job, pods: readonly Pod[]): Tally {
  const { status, spec } = job;
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const before = status.uncountedTerminatedPods ?? {};
  const still = {
    succeeded: (before.succeeded ?? []).filter((uid) => tracked.has(uid)),
    failed: (before.failed ?? []).filter((uid) => tracked.has(uid)),
  };
  const completed = parseIndexes(status.completedIndexes, spec.completions ?? 0);
  const release: Pod[] = [];
  const uncounted = { succeeded: [...still.succeeded], failed: [...still.failed] };
  const known = new Set([...(before.succeeded ?? []), ...(before.failed ?? [])]);
  let policyFailure: string | undefined;
  let ignored = 0;
  let newSuccesses = 0;
  for (const pod of pods.filter(isTracked)) {
    const { uid } = pod.metadata;
    const index = completionIndexOf(pod);
    if (hasSucceeded(pod)) {
      release.push(pod);
      newSuccesses += known.has(uid) ? 0 : 1;
      if (isIndexed(job)) {
        if (index !== undefined && index < (spec.completions ?? 0)) {
          completed.add(index);
        }
      } else if (!known.has(uid)) {
        uncounted.succeeded.push(uid);
      }
    } else if (hasFailed(job, pod)) {
      const verdict = judgeFailure(job, pod);
      policyFailure ??= verdict.action === 'failJob' ? verdict.message : undefined;
      release.push(pod);
      if (verdict.action === 'ignore') {
        ignored += 1;
      } else if (!known.has(uid)) {
        uncounted.failed.push(uid);
      }
    }
  }
  const countedFailed = (status.failed ?? 0) + (before.failed ?? []).length - still.failed.length;
  const countedSucceeded = (status.succeeded ?? 0) + (before.succeeded ?? []).length - still.succeeded.length;
  return {
    active: pods.filter((pod) => !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined),
    terminatingCount: pods.filter(
      (pod) => !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined,
    ).length,
    succeeded: isIndexed(job) ? completed.size : countedSucceeded + uncounted.succeeded.length,
    failed: countedFailed + uncounted.failed.length,
    completed,
    byIndex: indexFailures(job, pods),
    uncounted: isIndexed(job) ? { ...uncounted, succeeded: [] } : uncounted,
    release,
    newFailures: uncounted.failed.length - still.failed.length + ignored,
    newSuccesses,
    policyFailure,
  };
}

/** Why the job is to end, if it is. One that was decided before stays decided. */
function endingOf(
  job: Job,
  tally: Tally,
  pods: readonly Pod[],
  startTime: string | undefined,
  nowMs: number,
): Ending | undefined {
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const decided = findJobCondition(job.status, type);
    if (decided !== undefined) {
      return { type, reason: decided.reason ?? '', message: decided.message ?? '' };
    }
  }
  const { backoffLimit = 6, activeDeadlineSeconds, completions } = job.spec;
  const fail = (reason: string, message: string): Ending => ({ type: 'FailureTarget', reason, message });
  if (tally.policyFailure !== undefined) {
    return fail('PodFailurePolicy', tally.policyFailure);
  }
  if (tally.failed > backoffLimit || isPastRestarts(job, pods)) {
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if (
    activeDeadlineSeconds !== undefined &&
    startTime !== undefined &&
    (parseTime(startTime) ?? nowMs) + activeDeadlineSeconds * 1000 <= nowMs
  ) {
    return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  const indexEnding = endingByIndexes(job, tally);
  if (indexEnding !== undefined) {
    return fail(indexEnding.reason, indexEnding.message);
  }
  const rule = successRuleMet(job, tally);
  if (rule !== undefined) {
    return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` };
  }
  const isDone =
    completions === undefined
      ? tally.succeeded > 0 && tally.active.length === 0
      : tally.succeeded >= completions;
  // A suspended job with nothing to do is done all the same; one that was never started has nothing to show.
  return isDone && startTime !== undefined
    ? {
        type: 'SuccessCriteriaMet',
        reason: 'CompletionsReached',
        message: 'Reached expected number of succeeded pods',
      }
    : undefined;
}

/** Too many failed indexes, or none left to try beside those that failed. */
function endingByIndexes(
  { spec }: Job,
  { byIndex: { failed }, completed }: Tally,
): { readonly reason: string; readonly message: string } | undefined {
  if (spec.maxFailedIndexes !== undefined && failed.size > spec.maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return { reason: 'MaxFailedIndexesExceeded', message };
  }
  const isTried = failed.size > 0 && failed.size + completed.size >= (spec.completions ?? 0);
  return isTried ? { reason: 'FailedIndexes', message: 'Job has failed indexes' } : undefined;
}

function isPastRestarts({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec.restartPolicy !== 'OnFailure') {
    return false;
  }
  const limit = spec.backoffLimit ?? 6;
  const restarts = pods
    .filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending')
    .flatMap(({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function successRuleMet({ spec }: Job, { completed }: Tally): number | undefined {
  const rules = spec.successPolicy?.rules ?? [];
  const index = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    const counted =
      succeededIndexes === undefined
        ? completed
        : intersection(parseIndexes(succeededIndexes, spec.completions ?? 0), completed);
    const needed = succeededCount ?? parseIndexes(succeededIndexes, spec.completions ?? 0).size;
    return counted.size >= needed;
  });
  return index < 0 ? undefined : index;
}

function intersection(left: ReadonlySet<number>, right: ReadonlySet<number>): ReadonlySet<number> {
  return left.intersection(right);
}

function demandOf(
  job: Job,
  { active, terminatingCount, succeeded, completed, byIndex: { failed } }: Tally,
): { readonly remove: readonly Pod[]; readonly create: number; readonly indexes: readonly number[] } {
  const { parallelism = 1, completions, podReplacementPolicy } = job.spec;
  const wanted =
    completions === undefined
      ? succeeded > 0
        ? active.length
        : parallelism
      : Math.max(Math.min(completions - succeeded - failed.size, parallelism), 0);
  const surplus = duplicateIndexes(job, active, completed);
  const kept = active.filter((pod) => !surplus.includes(pod));
  if (kept.length > wanted) {
    return { remove: [...surplus, ...kept.slice(wanted)], create: 0, indexes: [] };
  }
  const waiting = podReplacementPolicy === 'Failed' ? terminatingCount : 0;
  const create = Math.min(Math.max(wanted - kept.length - waiting, 0), CREATIONS_MAX);
  if (!isIndexed(job)) {
    return { remove: surplus, create, indexes: [] };
  }
  const indexes = freeIndexes(job, kept, completed.union(failed), create);
  return { remove: surplus, create: indexes.length, indexes };
}

/** Pods of an index that is done or that another active pod works on already. */
function duplicateIndexes(job: Job, active: readonly Pod[], completed: ReadonlySet<number>): readonly Pod[] {
  if (!isIndexed(job)) {
    return [];
  }
  const taken = new Set<number>();
  return active.filter((pod) => {
    const index = completionIndexOf(pod);
    const isSurplus =
      index === undefined || completed.has(index) || taken.has(index) || index >= (job.spec.completions ?? 0);
    if (index !== undefined) {
      taken.add(index);
    }
    return isSurplus;
  });
}

function freeIndexes(
  { spec }: Job,
  active: readonly Pod[],
  ended: ReadonlySet<number>,
  count: number,
): readonly number[] {
  const taken = new Set(active.map(completionIndexOf));
  const free: number[] = [];
  for (let index = 0; index < (spec.completions ?? 0) && free.length < count; index++) {
    if (!taken.has(index) && !ended.has(index)) {
      free.push(index);
    }
  }
  return free;
}

/** The conditions that this pass adds: the decision at once, the end when no pod is left to wait for or count, suspension as it changes. */
function conditionsFor(
  job: Job,
  ending: Ending | undefined,
  hasPodsLeft: boolean,
  nowMs: number,
): readonly JobCondition[] {
  const now = formatTime(nowMs);
  const make = (type: string, status: string, reason: string, message: string): JobCondition => ({
    type,
    status,
    lastProbeTime: now,
    lastTransitionTime: now,
    reason,
    message,
  });
  const added: JobCondition[] = [];
  if (ending !== undefined) {
    const { type, reason, message } = ending;
    if (findJobCondition(job.status, type) === undefined) {
      added.push(make(type, 'True', reason, message));
    }
    if (!hasPodsLeft) {
      added.push(make(type === 'FailureTarget' ? 'Failed' : 'Complete', 'True', reason, message));
    }
    return added;
  }
  const wasSuspended = findJobCondition(job.status, 'Suspended') !== undefined;
  if (job.spec.suspend === true && !wasSuspended) {
    added.push(make('Suspended', 'True', 'JobSuspended', 'Job suspended'));
  } else if (job.spec.suspend !== true && wasSuspended) {
    added.push(make('Suspended', 'False', 'JobResumed', 'Job resumed'));
  }
  return added;
}

function mergeConditions(
  current: readonly JobCondition[],
  added: readonly JobCondition[],
): readonly JobCondition[] {
  const kept = current.filter(({ type }) => !added.some((condition) => condition.type === type));
  return added.length === 0 ? current : [...kept, ...added];
}
