import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeepPartial } from '#api/object.ts';
import type { CronJobSpec } from '#api/types/batch.v1.ts';
import { CRON_JOB, JOB } from '#api/types/resources.ts';
import { controllerHarness, type ControllerHarness } from '../runner/controller-harness.fixture.ts';
import { CronJobController } from './cron-job-controller.ts';

async function start(spec: DeepPartial<CronJobSpec>): Promise<ControllerHarness> {
  return await controllerHarness(
    (deps) => [new CronJobController(deps)],
    (transport) => {
      const jobTemplate = {
        metadata: { labels: { from: 'cron' } },
        spec: { template: { metadata: {}, spec: { containers: [] } } },
      };
      transport.put(CRON_JOB, {
        metadata: { namespace: 'ns', name: 'tick' },
        spec: { schedule: '*/10 * * * *', jobTemplate, ...spec },
      });
    },
  );
}

const MINUTES = 60_000;
const jobs = ({ transport }: ControllerHarness) => transport.all(JOB);
const statusOf = ({ transport }: ControllerHarness) => transport.peek(CRON_JOB, 'ns/tick')?.status;

function end(harness: ControllerHarness, type: 'Complete' | 'Failed'): void {
  for (const job of jobs(harness).filter(({ status }) => status.conditions === undefined)) {
    const now = new Date(harness.clock.nowMs()).toISOString().replace('.000', '');
    const status = {
      conditions: [{ type, status: 'True' }],
      startTime: now,
      ...(type === 'Complete' ? { completionTime: now } : {}),
    };
    harness.transport.put(JOB, { ...job, status });
  }
}

test('cron job: a job at each time, named for it, and listed while it runs', async () => {
  await using harness = await start({});
  await harness.clock.advance(9 * MINUTES);
  assert.equal(jobs(harness).length, 0);
  await harness.clock.advance(1.1 * MINUTES);
  const [job] = jobs(harness);
  assert.equal(job?.metadata.name, `tick-${Date.UTC(2026, 0, 1, 0, 10) / MINUTES}`);
  assert.equal(job?.metadata.labels?.['from'], 'cron');
  assert.equal(statusOf(harness)?.lastScheduleTime, '2026-01-01T00:10:00Z');
  assert.deepEqual(
    statusOf(harness)?.active?.map(({ name }) => name),
    [job?.metadata.name],
  );
  end(harness, 'Complete');
  await harness.clock.advance(100);
  assert.equal(statusOf(harness)?.active, undefined);
  assert.equal(statusOf(harness)?.lastSuccessfulTime, '2026-01-01T00:10:06Z');
  await harness.clock.advance(60 * MINUTES);
  assert.equal(jobs(harness).length, 7);
});

test('cron job: forbid waits for the last, replace ends it', async () => {
  await using forbid = await start({ concurrencyPolicy: 'Forbid' });
  await forbid.clock.advance(35 * MINUTES);
  assert.equal(jobs(forbid).length, 1);
  assert.ok(forbid.events.some((event) => event.includes('JobAlreadyActive')));
  await using replace = await start({ concurrencyPolicy: 'Replace' });
  await replace.clock.advance(35 * MINUTES);
  assert.deepEqual(
    jobs(replace).map(({ metadata }) => metadata.name),
    [`tick-${Date.UTC(2026, 0, 1, 0, 30) / MINUTES}`],
  );
});

test('cron job: finished jobs beyond the limits go, oldest first', async () => {
  await using harness = await start({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
  for (let hour = 0; hour < 6; hour++) {
    await harness.clock.advance(10.1 * MINUTES);
    end(harness, hour % 2 === 0 ? 'Complete' : 'Failed');
  }
  await harness.clock.advance(100);
  assert.equal(jobs(harness).length, 3);
});

test('cron job: suspended it does nothing; a bad schedule is said', async () => {
  await using suspended = await start({ suspend: true });
  await suspended.clock.advance(60 * MINUTES);
  assert.deepEqual(suspended.writes(), []);
  await using bad = await start({ schedule: 'never' });
  assert.match(bad.events.join(), /UnparseableSchedule unparseable schedule: "never"/);
  await using lost = await start({ timeZone: 'Moon/Base' });
  assert.match(lost.events.join(), /UnknownTimeZone invalid timeZone: "Moon\/Base"/);
});
