import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodStatus } from '#api/types/core.v1.ts';
import { statusPatch } from './status-writer.ts';

function statusWith(given: Partial<PodStatus>): PodStatus {
  return given;
}

test('status patch: only what changed', () => {
  const before = statusWith({ phase: 'Pending', startTime: 't', podIP: '1' });
  assert.deepEqual(statusPatch(before, statusWith({ phase: 'Running', startTime: 't', podIP: '1' })), {
    phase: 'Running',
  });
});

test('status patch: a condition takes away what it no longer says', () => {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: 't2' };
  const unready = {
    type: 'Ready',
    status: 'False',
    lastTransitionTime: 't1',
    reason: 'ContainersNotReady',
    message: 'm',
  };
  const patch = statusPatch(statusWith({ conditions: [unready] }), statusWith({ conditions: [ready] }));
  assert.deepEqual(patch, { conditions: [{ ...ready, reason: null, message: null }] });
});

test('status patch: an address that is gone is deleted from the list', () => {
  const patch = statusPatch(statusWith({ podIPs: [{ ip: '1' }] }), statusWith({ podIPs: [{ ip: '2' }] }));
  assert.deepEqual(patch, { podIPs: [{ ip: '2' }, { ip: '1', $patch: 'delete' }] });
});
