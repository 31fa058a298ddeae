import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisionData, type HistoryOwner } from './controller-history.ts';

test('history: a revision is the patch that Go clients make, byte by byte', () => {
  const template = {
    metadata: { labels: { b: '1', a: '2' } },
    spec: { restartPolicy: 'Always', containers: [{ name: 'c', image: 'i' }] },
  };
  const owner = { spec: { template } } as unknown as HistoryOwner;
  assert.equal(
    JSON.stringify(revisionData(owner)),
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","b":"1"}},"spec":{"containers":[{"image":"i","name":"c"}],"restartPolicy":"Always"}}}}',
  );
});
