import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';

const state = stateOf([aNode('open'), aNode('cordoned', { isCordoned: true })]);

test('NodeUnschedulable: a cordoned node takes no pod', () => {
  assert.deepEqual(filterAll(nodeUnschedulable, state, aPod('web')), {
    open: 'ok',
    cordoned: 'node(s) were unschedulable',
  });
});

test('NodeUnschedulable: tolerating the taint of cordoned nodes is enough', () => {
  const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' as const }];
  assert.equal(filterAll(nodeUnschedulable, state, aPod('daemon', { spec: { tolerations } })), 'skip');
});
