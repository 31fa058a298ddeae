import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOB } from '#api/types/resources.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { TtlAfterFinishedController } from './ttl-after-finished-controller.ts';

test('ttl after finished: a job goes when its time is over, and no other does', async () => {
  const ended = (type: string) => ({
    conditions: [{ type, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  });
  await using harness = await controllerHarness(
    (deps) => [new TtlAfterFinishedController(deps)],
    (transport) => {
      transport.put(JOB, {
        metadata: { namespace: 'ns', name: 'done' },
        spec: { ttlSecondsAfterFinished: 60 },
        status: ended('Complete'),
      });
      transport.put(JOB, {
        metadata: { namespace: 'ns', name: 'failed' },
        spec: { ttlSecondsAfterFinished: 0 },
        status: ended('Failed'),
      });
      transport.put(JOB, {
        metadata: { namespace: 'ns', name: 'kept' },
        spec: {},
        status: ended('Complete'),
      });
      transport.put(JOB, {
        metadata: { namespace: 'ns', name: 'runs' },
        spec: { ttlSecondsAfterFinished: 1 },
      });
    },
  );
  const names = () =>
    harness.transport
      .all(JOB)
      .map(({ metadata }) => metadata.name)
      .join(' ');
  await harness.clock.advance(59_000);
  assert.equal(names(), 'done kept runs');
  await harness.clock.advance(2_000);
  assert.equal(names(), 'kept runs');
});
