import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE, POD } from '#api/types/resources.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { aPod } from '../pods/pod.fixture.ts';
import { controllerHarness } from '../runner/controller-harness.fixture.ts';
import { PodGcController } from './pod-gc-controller.ts';
import { planPodGc } from './pod-gc-plan.ts';

test('pod gc: pods of a node that stays away are failed and deleted after the quarantine', async () => {
  await using harness = await controllerHarness(
    (deps) => [new PodGcController(deps)],
    (transport) => {
      transport.put(NODE, { metadata: { name: 'here' } });
      transport.put(POD, aPod({ name: 'fine', node: 'here' }));
      transport.put(POD, aPod({ name: 'lost', node: 'gone' }));
    },
  );
  const names = () => harness.transport.all(POD).map(({ metadata }) => metadata.name);
  await harness.clock.advance(39_000);
  assert.deepEqual(names(), ['fine', 'lost']);
  await harness.clock.advance(21_000);
  assert.deepEqual(names(), ['fine']);
  assert.deepEqual(harness.writes(), ['update pods/status lost', 'delete pods lost']);
});

test('planPodGc: the oldest finished pods beyond the bound, and those that will never start', () => {
  const informers = new StaticInformers();
  const pods = [
    informers.set(POD, aPod({ name: 'young', phase: 'Failed', node: 'n', created: '2026-01-03T00:00:00Z' })),
    informers.set(POD, aPod({ name: 'old', phase: 'Succeeded', node: 'n', created: '2026-01-01T00:00:00Z' })),
    informers.set(POD, aPod({ name: 'runs', node: 'n' })),
    informers.set(POD, {
      ...aPod({ name: 'waits', phase: 'Pending' }),
      metadata: { namespace: 'ns', name: 'waits', deletionTimestamp: '2026-01-01T00:00:00Z' },
    }),
  ];
  const doomed = planPodGc(pods, new Map(), 1).map(({ pod, why }) => `${pod.metadata.name} ${why}`);
  assert.deepEqual(doomed, ['waits unscheduled', 'old terminated']);
});
