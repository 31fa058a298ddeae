import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPod } from '../../cluster.fixture.ts';
import { schedulingGates } from './scheduling-gates.ts';

test('SchedulingGates: a pod with gates is kept out, and they are named', () => {
  const gated = aPod('web', {
    spec: { schedulingGates: [{ name: 'quota' }, { name: 'example.com/approval' }] },
  });
  assert.equal(
    schedulingGates.preEnqueue?.(gated),
    'waiting for scheduling gates: [quota example.com/approval]',
  );
  assert.equal(schedulingGates.preEnqueue?.(aPod('web')), undefined);
});
