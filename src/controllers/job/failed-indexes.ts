import type { Job } from '#api/types/batch.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { parseIndexes } from './completion-indexes.ts';
import { completionIndexOf, hasFailed, INDEX_FAILURE_COUNT, isIndexed } from './job-pods.ts';
import { judgeFailure } from './pod-failure-policy.ts';

export interface IndexFailures {
  /** Indexes that are not tried again; always empty for a job without a limit per index. */
  readonly failed: ReadonlySet<number>;
  /** Failures of each index so far, as far as pods still tell. */
  readonly counts: ReadonlyMap<number, number>;
}

/** True when each index of the job has failures of its own to spend. */
export function hasLimitPerIndex(job: Job): boolean {
  return isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined;
}

/** Which indexes have used up their failures, and how many each of the others has had. */
export function indexFailures(job: Job, pods: readonly Pod[]): IndexFailures {
  const failed = parseIndexes(job.status.failedIndexes, job.spec.completions ?? 0);
  const counts = new Map<number, number>();
  if (!hasLimitPerIndex(job)) {
    return { failed, counts };
  }
  for (const pod of pods.filter((candidate) => hasFailed(job, candidate))) {
    const index = completionIndexOf(pod);
    const verdict = judgeFailure(job, pod);
    if (index === undefined) {
      continue;
    }
    const before = Number(pod.metadata.annotations?.[INDEX_FAILURE_COUNT] ?? 0);
    const isCounted = verdict.action !== 'ignore';
    counts.set(index, Math.max(counts.get(index) ?? 0, before + (isCounted ? 1 : 0)));
    if (verdict.action === 'failIndex' || (isCounted && before >= (job.spec.backoffLimitPerIndex ?? 0))) {
      failed.add(index);
    }
  }
  return { failed, counts };
}
