import { isDeepStrictEqual } from 'node:util';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { objectKey } from '#api/object.ts';
import { isNotFound } from '#api/status-error.ts';
import type { Job, JobStatus } from '#api/types/batch.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { JOB, POD } from '#api/types/resources.ts';
import { parseTime } from '#api/time.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import { ownedPodHandler } from '../pods/owned-pod-handler.ts';
import { isNamespaceTerminating, PodWriter } from '../pods/pod-writer.ts';
import { claimObjects } from '../runner/adoption.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import {
  CONTROLLER_INDEX,
  controllerIndexValues,
  controllerOf,
  orphanIndexValue,
} from '../runner/controller-reference.ts';
import { Expectations } from '../runner/expectations.ts';
import { slowStart } from '../runner/slow-start.ts';
import { hasLimitPerIndex } from './failed-indexes.ts';
import { isTracked, jobPod, TRACKING_FINALIZER } from './job-pods.ts';
import { isFinished, type JobPlan, planJob } from './job-plan.ts';

/** Delay of the first retry of a failed pod; doubles with each failure in a row. */
const BACKOFF_MS = 10_000;
const BACKOFF_MS_MAX = 600_000;
const OUR_NAME = 'kubernetes.io/job-controller';
/** Keys of pods whose job is gone; no namespace has a colon in its name. */
const ORPHAN_PREFIX = 'orphan:';

/** Runs pods to completion, as many as the job asks for, and counts each exactly once. */
export class JobController implements Controller {
  readonly name = 'job';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #writer: PodWriter;
  readonly #expectations: Expectations;
  /** Failures in a row of each job's pods, and when the last one was noticed, monotonic. */
  readonly #failures = new Map<string, { readonly count: number; readonly lastMs: number }>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('job-controller');
    this.#jobs = deps.informers.of(JOB);
    this.#pods = deps.informers.of(POD);
    this.#pods.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    this.#writer = new PodWriter(deps.client, this.#events);
    this.#expectations = new Expectations(deps.clock);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const releaseIfOrphan = (pod: Pod): void => {
      if (isTracked(pod) && this.#jobOf(pod) === undefined) {
        queue.add(`${ORPHAN_PREFIX}${objectKey(pod)}`);
      }
    };
    return [
      enqueueOnChange(this.#jobs, queue, (job) => [objectKey(job)]),
      this.#jobs.addHandler({
        onDelete: (job) => {
          this.#expectations.forget(objectKey(job));
          this.#pods.byIndex(CONTROLLER_INDEX, job.metadata.uid).forEach(releaseIfOrphan);
        },
      }),
      this.#pods.addHandler(
        ownedPodHandler<Job>({
          kind: 'Job',
          queue,
          expectations: this.#expectations,
          owner: (key) => this.#jobs.get(key),
          candidates: (orphan) =>
            this.#jobs
              .byIndex('namespace', orphan.metadata.namespace)
              .filter(({ spec }) => labelSelectorFromObject(spec.selector).matches(orphan.metadata.labels)),
          minReadySeconds: () => 0,
        }),
      ),
      this.#pods.addHandler({ onAdd: releaseIfOrphan, onUpdate: (_, pod) => releaseIfOrphan(pod) }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (key.startsWith(ORPHAN_PREFIX)) {
      const pod = this.#pods.get(key.slice(ORPHAN_PREFIX.length));
      if (pod !== undefined && isTracked(pod) && this.#jobOf(pod) === undefined) {
        await this.#release(pod, signal);
      }
      return DONE;
    }
    const job = this.#jobs.get(key);
    if (job === undefined) {
      this.#failures.delete(key);
      return DONE;
    }
    if ((job.spec.managedBy ?? OUR_NAME) !== OUR_NAME || !this.#expectations.isSettled(key)) {
      return DONE;
    }
    const pods = await this.#claim(job, signal);
    if (isFinished(job) || job.metadata.deletionTimestamp !== undefined) {
      this.#failures.delete(key);
      // A job that is going counts no more, and its pods could not go before it.
      await Promise.all(pods.filter(isTracked).map((pod) => this.#release(pod, signal)));
      return DONE;
    }
    return await this.#carryOut(job, planJob(job, pods, this.#deps.clock.nowMs()), signal);
  }

  /** Writes the status, then lets counted pods go, then brings the number of pods in line. */
  async #carryOut(job: Job, plan: JobPlan, signal: AbortSignal): Promise<ReconcileResult> {
    const key = objectKey(job);
    this.#noteOutcomes(job, plan);
    if (!isSameJobStatus(job.status, plan.status)) {
      await this.#deps.client.of(JOB).updateStatus({ ...job, status: plan.status }, {}, signal);
      this.#announce(job, plan);
    }
    await Promise.all(plan.release.map((pod) => this.#release(pod, signal)));
    await this.#remove(job, plan.remove, signal);
    if (plan.createCount > 0) {
      const waitMs = this.#backoffMs(key);
      if (waitMs > 0) {
        return againAfter(waitMs);
      }
      await this.#create(job, plan, signal);
    }
    return this.#untilDeadline(job, plan.status);
  }

  #noteOutcomes(job: Job, { newFailures, newSuccesses }: JobPlan): void {
    const key = objectKey(job);
    if (newSuccesses > 0) {
      this.#failures.delete(key);
    }
    if (newFailures > 0) {
      // Where each index has failures of its own, those of one do not slow the others down further.
      const count = hasLimitPerIndex(job) ? 1 : (this.#failures.get(key)?.count ?? 0) + newFailures;
      this.#failures.set(key, { count, lastMs: this.#deps.clock.monotonicMs() });
    }
  }

  #backoffMs(key: string): number {
    const failures = this.#failures.get(key);
    if (failures === undefined) {
      return 0;
    }
    const delayMs = Math.min(BACKOFF_MS * 2 ** (failures.count - 1), BACKOFF_MS_MAX);
    return failures.lastMs + delayMs - this.#deps.clock.monotonicMs();
  }

  async #create(
    job: Job,
    { createCount, createIndexes, indexFailureCounts }: JobPlan,
    signal: AbortSignal,
  ): Promise<void> {
    const key = objectKey(job);
    this.#expectations.expectCreations(key, createCount);
    const { succeeded, error } = await slowStart(createCount, async (position) => {
      const index = createIndexes[position];
      await this.#writer.create(job, jobPod(job, index, indexFailureCounts.get(index ?? -1) ?? 0), signal);
    });
    this.#expectations.creationObserved(key, createCount - succeeded);
    if (error !== undefined && !isNamespaceTerminating(error)) {
      throw error;
    }
  }

  async #remove(job: Job, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    const key = objectKey(job);
    this.#expectations.expectDeletions(key, pods.map(objectKey));
    for (const pod of pods) {
      let isDeleting = false;
      try {
        isDeleting = await this.#writer.delete(job, pod, signal);
      } finally {
        if (!isDeleting) {
          this.#expectations.deletionObserved(key, objectKey(pod));
        }
      }
    }
  }

  /** Takes the finalizer off, so that the pod may be deleted. */
  async #release(
    { metadata: { namespace, name, uid, resourceVersion, finalizers = [] } }: Pod,
    signal: AbortSignal,
  ): Promise<void> {
    const patch = {
      metadata: {
        uid,
        resourceVersion,
        finalizers: finalizers.filter((finalizer) => finalizer !== TRACKING_FINALIZER),
      },
    };
    try {
      await this.#deps.client.of(POD).patch(namespace, name, patch, { type: 'merge' }, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  async #claim(job: Job, signal: AbortSignal): Promise<readonly Pod[]> {
    const { namespace, name, uid } = job.metadata;
    return await claimObjects({
      owner: job,
      selector: labelSelectorFromObject(job.spec.selector),
      objects: [
        ...this.#pods.byIndex(CONTROLLER_INDEX, uid),
        ...this.#pods.byIndex(CONTROLLER_INDEX, orphanIndexValue(namespace)),
      ],
      client: this.#deps.client.of(POD),
      freshOwner: () => this.#deps.client.of(JOB).get(namespace, name, signal),
      signal,
    });
  }

  #jobOf(pod: Pod): Job | undefined {
    const reference = controllerOf(pod);
    const job =
      reference?.kind === 'Job' ? this.#jobs.get(`${pod.metadata.namespace}/${reference.name}`) : undefined;
    return job?.metadata.uid === reference?.uid ? job : undefined;
  }

  #announce(job: Job, { conditionsAdded }: JobPlan): void {
    for (const { type, status, reason = '', message = '' } of conditionsAdded) {
      if (type === 'Complete') {
        this.#events.event(job, 'Normal', 'Completed', 'Job completed');
      } else if (type === 'Failed') {
        this.#events.event(job, 'Warning', reason, message);
      } else if (type === 'Suspended') {
        this.#events.event(job, 'Normal', status === 'True' ? 'Suspended' : 'Resumed', message);
      }
    }
  }

  #untilDeadline({ spec }: Job, { startTime }: JobStatus): ReconcileResult {
    const startMs = parseTime(startTime ?? '');
    return spec.activeDeadlineSeconds === undefined || startMs === undefined
      ? DONE
      : againAfter(startMs + spec.activeDeadlineSeconds * 1000 - this.#deps.clock.nowMs());
  }
}

function isSameJobStatus(current: JobStatus, wanted: JobStatus): boolean {
  const complete = (status: JobStatus): JobStatus => ({
    active: 0,
    ready: 0,
    terminating: 0,
    succeeded: 0,
    failed: 0,
    conditions: [],
    uncountedTerminatedPods: {},
    completedIndexes: '',
    failedIndexes: '',
    ...status,
  });
  return isDeepStrictEqual(complete(current), complete(wanted));
}
