import assert from 'node:assert/strict';
import { test } from 'node:test';
import { POD } from '#api/types/resources.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { choosePodsToDelete } from './deletion-order.ts';
import { aPod, type PodSketch } from './pod.fixture.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const LONG_AGO = '2026-01-01T00:00:00Z';
const JUST_NOW = '2026-01-01T11:59:50Z';
const steady = { node: 'n1', readySince: LONG_AGO, created: LONG_AGO };

// The pod named `victim` goes before the one named `other`, for the reason of the row.
const cases: readonly { why: string; victim: Omit<PodSketch, 'name'>; other: Omit<PodSketch, 'name'> }[] = [
  { why: 'it has no node', victim: { phase: 'Pending' }, other: { phase: 'Pending', node: 'n1' } },
  { why: 'it does not run yet', victim: { ...steady, phase: 'Pending' }, other: steady },
  {
    why: 'it is not ready',
    victim: { node: 'n1', created: LONG_AGO },
    other: { ...steady, created: JUST_NOW },
  },
  {
    why: 'it costs less',
    victim: steady,
    other: { ...steady, annotations: { 'controller.kubernetes.io/pod-deletion-cost': '10' } },
  },
  {
    why: 'its node is crowded',
    victim: { ...steady, node: 'crowded' },
    other: { ...steady, readySince: JUST_NOW },
  },
  { why: 'it is ready for a short time', victim: { ...steady, readySince: JUST_NOW }, other: steady },
  { why: 'it restarted more often', victim: { ...steady, restarts: 3 }, other: { ...steady, restarts: 1 } },
  { why: 'it is younger', victim: { ...steady, created: JUST_NOW }, other: steady },
];

for (const { why, victim, other } of cases) {
  test(`choosePodsToDelete: a pod goes first when ${why}`, () => {
    const informers = new StaticInformers();
    const pods = [
      informers.set(POD, aPod({ ...other, name: 'other' })),
      informers.set(POD, aPod({ ...victim, name: 'victim' })),
    ];
    const neighbour = informers.set(POD, aPod({ name: 'neighbour', node: 'crowded' }));
    const chosen = choosePodsToDelete(pods, [...pods, neighbour], 1, NOW_MS);
    assert.deepEqual(
      chosen.map((pod) => pod.metadata.name),
      ['victim'],
    );
  });
}
