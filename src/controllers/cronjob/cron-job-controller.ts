import { isDeepStrictEqual } from 'node:util';
import { type NewObject, objectKey } from '#api/object.ts';
import { isAlreadyExists, isNotFound } from '#api/status-error.ts';
import { formatTime, parseTime } from '#api/time.ts';
import type { CronJob, CronJobStatus, Job } from '#api/types/batch.v1.ts';
import type { ObjectReference } from '#api/types/core.v1.ts';
import { CRON_JOB, JOB } from '#api/types/resources.ts';
import { describeError } from '#base/log.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import { findJobCondition, isFinished } from '../job/job-plan.ts';
import { isNamespaceTerminating } from '../pods/pod-writer.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  CONTROLLER_INDEX,
  controllerIndexValues,
  controllerOf,
  controllerReference,
} from '../runner/controller-reference.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { CronSchedule, CronScheduleError } from './cron-schedule.ts';
import { missedTimes } from './missed-times.ts';
import { TimeZone } from './time-zone.ts';

const SCHEDULED_TIMESTAMP = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** Looked at a little after the time is due, so that rounding never makes it look early. */
const LATE_MS = 100;

interface Timetable {
  readonly schedule: CronSchedule;
  readonly zone: TimeZone;
}

/** Makes a Job whenever a CronJob's schedule says so. */
export class CronJobController implements Controller {
  readonly name = 'cronjob';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('cronjob-controller');
    this.#cronJobs = deps.informers.of(CRON_JOB);
    this.#jobs = deps.informers.of(JOB);
    this.#jobs.addIndex(CONTROLLER_INDEX, controllerIndexValues);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#cronJobs, queue, (cronJob) => [objectKey(cronJob)]),
      enqueueOnChange(this.#jobs, queue, (job) => {
        const reference = controllerOf(job);
        return reference?.kind === 'CronJob' ? [`${job.metadata.namespace}/${reference.name}`] : [];
      }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const cronJob = this.#cronJobs.get(key);
    if (cronJob === undefined) {
      return DONE;
    }
    const jobs = this.#jobs.byIndex(CONTROLLER_INDEX, cronJob.metadata.uid);
    const status = await this.#followJobs(cronJob, jobs, signal);
    const timetable = this.#timetableOf(cronJob);
    const isIdle = cronJob.metadata.deletionTimestamp !== undefined || cronJob.spec.suspend === true;
    const started =
      isIdle || timetable === undefined ? status : await this.#startDue(cronJob, status, timetable, signal);
    if (!isDeepStrictEqual(withActive(cronJob.status), withActive(started))) {
      await this.#deps.client.of(CRON_JOB).updateStatus({ ...cronJob, status: started }, {}, signal);
    }
    await this.#cleanUp(cronJob, jobs, signal);
    return isIdle || timetable === undefined ? DONE : this.#untilNext(timetable);
  }

  /** What became of the jobs that are listed as active. */
  async #followJobs(cronJob: CronJob, jobs: readonly Job[], signal: AbortSignal): Promise<CronJobStatus> {
    const active: ObjectReference[] = [];
    let { lastSuccessfulTime } = cronJob.status;
    for (const reference of cronJob.status.active ?? []) {
      const job =
        jobs.find(({ metadata }) => metadata.uid === reference.uid) ?? (await this.#read(reference, signal));
      if (job === undefined) {
        this.#events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`);
      } else if (isFinished(job)) {
        const condition = findJobCondition(job.status, 'Complete') === undefined ? 'Failed' : 'Complete';
        this.#events.event(
          cronJob,
          'Normal',
          'SawCompletedJob',
          `Saw completed job: ${job.metadata.name}, condition: ${condition}`,
        );
      } else {
        active.push(reference);
      }
    }
    for (const { status } of jobs) {
      const { completionTime } = status;
      if (completionTime !== undefined && completionTime > (lastSuccessfulTime ?? '')) {
        lastSuccessfulTime = completionTime;
      }
    }
    const forgotten = jobs.filter(
      (job) => !isFinished(job) && !active.some(({ uid }) => uid === job.metadata.uid),
    );
    active.push(...forgotten.map(referenceTo));
    const { active: _, lastSuccessfulTime: __, ...rest } = cronJob.status;
    return {
      ...rest,
      ...(active.length === 0 ? {} : { active }),
      ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
    };
  }

  /** A job that the local copy does not have, because it is gone or because it is too new. */
  async #read(
    { namespace = '', name = '', uid }: ObjectReference,
    signal: AbortSignal,
  ): Promise<Job | undefined> {
    try {
      const job = await this.#deps.client.of(JOB).get(namespace, name, signal);
      return job.metadata.uid === uid ? job : undefined;
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  #timetableOf(cronJob: CronJob): Timetable | undefined {
    const { schedule, timeZone } = cronJob.spec;
    try {
      return { schedule: new CronSchedule(schedule), zone: new TimeZone(timeZone) };
    } catch (error) {
      if (error instanceof CronScheduleError) {
        const message = `unparseable schedule: "${schedule}" : ${error.message}`;
        this.#events.event(cronJob, 'Warning', 'UnparseableSchedule', message);
      } else if (error instanceof RangeError) {
        this.#events.event(
          cronJob,
          'Warning',
          'UnknownTimeZone',
          `invalid timeZone: "${timeZone}": ${error.message}`,
        );
      } else {
        throw error;
      }
      return undefined;
    }
  }

  /** Starts the job of the latest time that is due, unless the policy is against it. */
  async #startDue(
    cronJob: CronJob,
    status: CronJobStatus,
    timetable: Timetable,
    signal: AbortSignal,
  ): Promise<CronJobStatus> {
    const dueMs = this.#dueMs(cronJob, timetable);
    if (dueMs === undefined) {
      return status;
    }
    const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec;
    if (
      startingDeadlineSeconds !== undefined &&
      dueMs + startingDeadlineSeconds * 1000 < this.#deps.clock.nowMs()
    ) {
      const message = `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString()}`;
      this.#events.event(cronJob, 'Warning', 'MissSchedule', message);
      return status;
    }
    const active = status.active ?? [];
    if (active.length > 0 && concurrencyPolicy === 'Forbid') {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      this.#events.event(cronJob, 'Normal', 'JobAlreadyActive', message);
      return status;
    }
    if (concurrencyPolicy === 'Replace') {
      for (const { name = '' } of active) {
        await this.#deleteJob(cronJob, name, signal);
      }
    }
    const created = await this.#createJob(cronJob, dueMs, signal);
    if (created === undefined) {
      return status;
    }
    const others =
      concurrencyPolicy === 'Replace' ? [] : active.filter(({ uid }) => uid !== created.metadata.uid);
    return { ...status, active: [...others, referenceTo(created)], lastScheduleTime: formatTime(dueMs) };
  }

  #dueMs(cronJob: CronJob, { schedule, zone }: Timetable): number | undefined {
    const { lastScheduleTime } = cronJob.status;
    const { startingDeadlineSeconds } = cronJob.spec;
    const nowMs = this.#deps.clock.nowMs();
    const sinceMs = parseTime(lastScheduleTime ?? cronJob.metadata.creationTimestamp) ?? nowMs;
    const fromMs =
      startingDeadlineSeconds === undefined
        ? sinceMs
        : Math.max(sinceMs, nowMs - startingDeadlineSeconds * 1000);
    const { dueMs, isTooMany } = missedTimes(schedule, zone, fromMs, nowMs);
    if (isTooMany) {
      const message =
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      this.#events.event(cronJob, 'Warning', 'TooManyMissedTimes', message);
    }
    return dueMs;
  }

  async #createJob(cronJob: CronJob, dueMs: number, signal: AbortSignal): Promise<Job | undefined> {
    const job = jobOf(cronJob, dueMs);
    const jobs = this.#deps.client.of(JOB);
    try {
      const created = await jobs.create(job, {}, signal);
      this.#events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (isAlreadyExists(error)) {
        // Made in an earlier pass whose status was not written.
        const existing = await jobs.get(cronJob.metadata.namespace, job.metadata.name ?? '', signal);
        return controllerOf(existing)?.uid === cronJob.metadata.uid ? existing : undefined;
      }
      if (isNamespaceTerminating(error)) {
        return undefined;
      }
      this.#events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${describeError(error)}`);
      throw error;
    }
  }

  /** Deletes the oldest finished jobs beyond the limits. */
  async #cleanUp(cronJob: CronJob, jobs: readonly Job[], signal: AbortSignal): Promise<void> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
    for (const [type, limit] of [
      ['Complete', successfulJobsHistoryLimit],
      ['Failed', failedJobsHistoryLimit],
    ] as const) {
      const finished = jobs
        .filter(
          ({ status, metadata }) =>
            findJobCondition(status, type) !== undefined && metadata.deletionTimestamp === undefined,
        )
        .sort((left, right) => (startOf(left) < startOf(right) ? -1 : 1));
      for (const { metadata } of limit === undefined
        ? []
        : finished.slice(0, Math.max(finished.length - limit, 0))) {
        await this.#deleteJob(cronJob, metadata.name, signal);
      }
    }
  }

  async #deleteJob(cronJob: CronJob, name: string, signal: AbortSignal): Promise<void> {
    try {
      const options = { propagationPolicy: 'Background' };
      await this.#deps.client.of(JOB).delete(cronJob.metadata.namespace, name, options, signal);
      this.#events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (!isNotFound(error)) {
        this.#events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${describeError(error)}`);
        throw error;
      }
    }
  }

  #untilNext({ schedule, zone }: Timetable): ReconcileResult {
    const nowMs = this.#deps.clock.nowMs();
    const nextMs = schedule.next(nowMs, zone);
    return nextMs === undefined ? DONE : againAfter(nextMs - nowMs + LATE_MS);
  }
}

/** The job of one scheduled time. Its name says the time, so that the same one is never made twice. */
function jobOf(cronJob: CronJob, dueMs: number): NewObject<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  return {
    metadata: {
      namespace: cronJob.metadata.namespace,
      name: `${cronJob.metadata.name}-${Math.floor(dueMs / 60_000)}`,
      ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata.annotations, [SCHEDULED_TIMESTAMP]: formatTime(dueMs) },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec,
  };
}

function referenceTo({ apiVersion, kind, metadata }: Job): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { kind, namespace, name, uid, apiVersion, resourceVersion };
}

/** `active` with what identifies a job only; its revision moves on without meaning anything here. */
function withActive({ active = [], ...status }: CronJobStatus): object {
  return { ...status, active: active.map(({ uid }) => uid) };
}

function startOf({ status, metadata }: Job): string {
  return status.startTime ?? metadata.creationTimestamp;
}
