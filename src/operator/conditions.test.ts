import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isConditionTrue, withCondition } from './conditions.ts';

const FIRST = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-01-01T01:00:00Z');
const ready = { type: 'Ready', status: 'False', reason: 'Waiting', message: 'for pods' };

test('conditions: the time of transition moves with the status only', () => {
  const first = withCondition(undefined, ready, FIRST);
  assert.deepEqual(first, [{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }]);
  const reworded = withCondition(first, { ...ready, message: 'for one pod' }, LATER);
  assert.equal(reworded[0]?.lastTransitionTime, '2026-01-01T00:00:00Z');
  const turned = withCondition(reworded, { ...ready, status: 'True' }, LATER);
  assert.equal(turned[0]?.lastTransitionTime, '2026-01-01T01:00:00Z');
  assert.deepEqual(
    [first, turned].map((each) => isConditionTrue(each, 'Ready')),
    [false, true],
  );
});

test('conditions: others stay as and where they are', () => {
  const both = withCondition(withCondition([], ready, FIRST), { ...ready, type: 'Synced' }, FIRST);
  const turned = withCondition(both, { ...ready, status: 'True' }, LATER);
  assert.deepEqual(
    turned.map(({ type, status }) => `${type}=${status}`),
    ['Ready=True', 'Synced=False'],
  );
});
