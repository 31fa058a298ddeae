import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchers } from './testing.ts';

test('matchers: say whether it holds, and what there was to see', () => {
  const pod = {
    kind: 'Pod',
    metadata: { name: 'one', namespace: 'default' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const ready = matchers.toBeReady(pod as never);
  assert.equal(ready.pass, true);
  assert.match(ready.message(), /^expected Pod one not to be ready; its status: \{/);
  const missing = matchers.toBeThere(undefined);
  assert.equal(missing.pass, false);
  assert.equal(missing.message(), 'expected nothing to be there; its status: none');
});
