import { objectKey } from '#api/object.ts';
import { isNotFound } from '#api/status-error.ts';
import { parseTime } from '#api/time.ts';
import type { Job } from '#api/types/batch.v1.ts';
import { JOB } from '#api/types/resources.ts';
import type { Informer } from '#client/lister.ts';
import { isFinished } from '../job/job-plan.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

/** Deletes finished jobs when the time they asked to be kept for is over. */
export class TtlAfterFinishedController implements Controller {
  readonly name = 'ttl_jobs_to_delete';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #jobs: Informer<Job>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#jobs = deps.informers.of(JOB);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#jobs, queue, (job) => (expiryMs(job) === undefined ? [] : [objectKey(job)])),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const job = this.#jobs.get(key);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) {
      return DONE;
    }
    const dueMs = expiryMs(job);
    const nowMs = this.#deps.clock.nowMs();
    if (dueMs === undefined || dueMs > nowMs) {
      return dueMs === undefined ? DONE : againAfter(dueMs - nowMs);
    }
    await this.#delete(job, signal);
    return DONE;
  }

  async #delete({ metadata: { namespace, name, uid } }: Job, signal: AbortSignal): Promise<void> {
    const jobs = this.#deps.client.of(JOB);
    try {
      // Read anew: the time to live may just have been made longer.
      const fresh = await jobs.get(namespace, name, signal);
      const dueMs = expiryMs(fresh);
      if (fresh.metadata.uid === uid && dueMs !== undefined && dueMs <= this.#deps.clock.nowMs()) {
        await jobs.delete(
          namespace,
          name,
          { propagationPolicy: 'Foreground', preconditions: { uid } },
          signal,
        );
      }
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

/** When the job may go, milliseconds since the epoch; undefined while it has not finished or is to be kept. */
function expiryMs(job: Job): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  if (ttlSecondsAfterFinished === undefined || !isFinished(job)) {
    return undefined;
  }
  const end = job.status.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const endMs = parseTime(end?.lastTransitionTime ?? job.status.completionTime ?? '');
  return endMs === undefined ? undefined : endMs + ttlSecondsAfterFinished * 1000;
}
