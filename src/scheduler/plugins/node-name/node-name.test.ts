import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { nodeName } from './node-name.ts';

test('NodeName: a pod goes to the node it names', () => {
  const state = stateOf([aNode('a'), aNode('b')]);
  assert.deepEqual(filterAll(nodeName, state, aPod('web', { nodeName: 'b' })), {
    a: "node(s) didn't match the requested node name",
    b: 'ok',
  });
  assert.equal(filterAll(nodeName, state, aPod('free')), 'skip');
});
