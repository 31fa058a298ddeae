import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobSpec } from '#api/types/batch.v1.ts';
import type { DeepPartial } from '#api/object.ts';
import type { Pod, PodStatus } from '#api/types/core.v1.ts';
import { JOB, POD } from '#api/types/resources.ts';
import type { MemoryTransport } from '#client/memory-transport.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { formatIndexes, parseIndexes } from './completion-indexes.ts';
import { JobController } from './job-controller.ts';

function putJob(transport: MemoryTransport, spec: DeepPartial<JobSpec>): void {
  const current = transport.peek(JOB, 'ns/work');
  transport.put(JOB, {
    metadata: { namespace: 'ns', name: 'work', uid: 'work-uid' },
    spec: {
      backoffLimit: 6,
      selector: { matchLabels: { job: 'work' } },
      template: {
        metadata: { labels: { job: 'work' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c' }] },
      },
      ...spec,
    },
    status: current?.status ?? {},
  });
}

async function start(spec: DeepPartial<JobSpec>): Promise<ControllerHarness> {
  const harness = await controllerHarness(
    (deps) => [new JobController(deps)],
    (transport) => putJob(transport, spec),
  );
  await harness.clock.advance(100);
  return harness;
}

const live = ({ transport }: ControllerHarness): readonly Pod[] =>
  transport.all(POD).filter(({ status }) => status.phase === undefined);

/** Ends the next running pods, one letter each: S for success, F for failure. */
async function finish(harness: ControllerHarness, outcomes: string, status: PodStatus = {}): Promise<void> {
  for (const outcome of outcomes) {
    const [pod] = live(harness);
    assert.ok(pod, 'no pod is running');
    harness.transport.put(POD, {
      ...pod,
      status: { ...status, phase: outcome === 'S' ? 'Succeeded' : 'Failed' },
    });
    await harness.clock.advance(100);
  }
}

function summary({ transport }: ControllerHarness): string {
  const { active, succeeded, failed, conditions = [] } = transport.peek(JOB, 'ns/work')?.status ?? {};
  const ends = conditions
    .filter(({ status }) => status === 'True')
    .map(({ type, reason }) => `${type}:${reason}`);
  return [`${active}a ${succeeded}s ${failed}f`, ...ends].join(' ');
}

test('job: runs as many pods at once as allowed until enough have succeeded', async () => {
  await using harness = await start({ completions: 3, parallelism: 2 });
  assert.equal(summary(harness), '2a 0s 0f');
  await finish(harness, 'SS');
  assert.equal(summary(harness), '1a 2s 0f');
  await finish(harness, 'S');
  assert.equal(
    summary(harness),
    '0a 3s 0f SuccessCriteriaMet:CompletionsReached Complete:CompletionsReached',
  );
  assert.deepEqual(
    harness.transport.all(POD).flatMap(({ metadata }) => metadata.finalizers ?? []),
    [],
  );
  assert.ok(harness.events.includes('ns/work Completed Job completed'));
  harness.writes();
  await harness.clock.advance(3_600_000);
  assert.deepEqual(harness.writes(), []);
});

test('job: a failed pod is replaced after a back-off that doubles, until the limit', async () => {
  await using harness = await start({ completions: 1, backoffLimit: 2 });
  await finish(harness, 'F');
  assert.equal(live(harness).length, 0);
  await harness.clock.advance(10_000);
  await finish(harness, 'F');
  await harness.clock.advance(10_000);
  assert.equal(live(harness).length, 0);
  await harness.clock.advance(10_000);
  await finish(harness, 'F');
  assert.equal(summary(harness), '0a 0s 3f FailureTarget:BackoffLimitExceeded Failed:BackoffLimitExceeded');
  assert.ok(
    harness.events.includes('ns/work BackoffLimitExceeded Job has reached the specified backoff limit'),
  );
});

test('job: what runs past the deadline is deleted, and the job has failed', async () => {
  await using harness = await start({ completions: 1, activeDeadlineSeconds: 60 });
  await harness.clock.advance(59_000);
  assert.equal(live(harness).length, 1);
  await harness.clock.advance(2_000);
  assert.match(summary(harness), /Failed:DeadlineExceeded$/);
  assert.equal(live(harness).length, 0);
});

test('job: each index runs once, with its number in the pod', async () => {
  await using harness = await start({ completions: 3, parallelism: 3, completionMode: 'Indexed' });
  const indexes = () =>
    live(harness)
      .map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index'])
      .join();
  assert.equal(indexes(), '0,1,2');
  const [pod] = live(harness);
  assert.equal(pod?.spec.hostname, 'work-0');
  assert.equal(pod?.spec.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
  await finish(harness, 'SF');
  await harness.clock.advance(20_000);
  assert.equal(indexes(), '2,1');
  await finish(harness, 'SS');
  assert.equal(
    summary(harness),
    '0a 3s 1f SuccessCriteriaMet:CompletionsReached Complete:CompletionsReached',
  );
  assert.equal(harness.transport.peek(JOB, 'ns/work')?.status.completedIndexes, '0-2');
});

test('job: with a limit for each index, one that fails too often does not end the others', async () => {
  const spec = {
    completions: 2,
    parallelism: 2,
    completionMode: 'Indexed',
    backoffLimitPerIndex: 1,
  } as const;
  await using harness = await start({ ...spec, backoffLimit: 1000 });
  await finish(harness, 'F');
  await harness.clock.advance(20_000);
  const indexes = () =>
    live(harness)
      .map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index'])
      .join();
  assert.equal(indexes(), '1,0');
  await finish(harness, 'SF');
  assert.equal(summary(harness), '0a 1s 2f FailureTarget:FailedIndexes Failed:FailedIndexes');
  const { completedIndexes, failedIndexes } = harness.transport.peek(JOB, 'ns/work')?.status ?? {};
  assert.deepEqual([completedIndexes, failedIndexes], ['1', '0']);
});

test('job: suspended it has no pods, resumed it begins anew', async () => {
  await using harness = await start({ completions: 1, suspend: true });
  assert.equal(summary(harness), '0a 0s 0f Suspended:JobSuspended');
  putJob(harness.transport, { completions: 1 });
  await harness.clock.advance(100);
  assert.equal(summary(harness), '1a 0s 0f');
  putJob(harness.transport, { completions: 1, suspend: true });
  await harness.clock.advance(100);
  assert.equal(live(harness).length, 0);
});

test('job: the failure policy ends the job at an exit code, and ignores disruptions', async () => {
  const rules = [
    { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  ] as const;
  await using harness = await start({ completions: 1, backoffLimit: 0, podFailurePolicy: { rules } });
  await finish(harness, 'F', { conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
  assert.equal(summary(harness), '0a 0s 0f');
  await harness.clock.advance(20_000);
  const [pod] = live(harness);
  assert.ok(pod);

  const containerStatuses = [{ name: 'c', state: { terminated: { exitCode: 42 } } }];
  harness.transport.put(POD, { ...pod, status: { phase: 'Failed', containerStatuses } });
  await harness.clock.advance(100);
  assert.match(summary(harness), /Failed:PodFailurePolicy$/);
});

test('job: pods of a deleted job are let go', async () => {
  await using harness = await start({ completions: 1 });
  harness.transport.drop(JOB, 'ns/work');
  await harness.clock.advance(100);
  assert.deepEqual(
    harness.transport.all(POD).map(({ metadata }) => metadata.finalizers),
    [[]],
  );
});

test('job: pods of a job that waits for them before it goes are let go', async () => {
  await using harness = await start({ completions: 1 });
  const job = harness.transport.peek(JOB, 'ns/work');
  assert.ok(job);
  const metadata = {
    ...job.metadata,
    deletionTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['foregroundDeletion'],
  };
  harness.transport.put(JOB, { ...job, metadata });
  await harness.clock.advance(100);
  assert.deepEqual(
    harness.transport.all(POD).map((pod) => pod.metadata.finalizers),
    [[]],
  );
});

test('completion indexes: written as runs and read back', () => {
  const indexes = new Set([0, 1, 2, 5, 7, 8]);
  assert.equal(formatIndexes(indexes), '0-2,5,7,8');
  assert.deepEqual(parseIndexes('0-2,5,7,8', 8), new Set([0, 1, 2, 5, 7]));
});
