import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { scoreAll, stateOf } from '../plugin.fixture.ts';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation.ts';

const state = stateOf([
  aNode('even', { cpu: '4', memory: '4Gi' }),
  aNode('uneven', { cpu: '2', memory: '8Gi' }),
]);

test('NodeResourcesBalancedAllocation: like fractions are better than unlike ones', () => {
  const pod = aPod('web', { requests: { cpu: '1', memory: '1Gi' } });
  // 1/4 and 1/4 on one; 1/2 and 1/8 on the other, which deviate by 3/16.
  assert.deepEqual(scoreAll(nodeResourcesBalancedAllocation(), state, pod), { even: 100, uneven: 81 });
});

test('NodeResourcesBalancedAllocation: three resources deviate by the root of the mean square', () => {
  const resources = ['cpu', 'memory', 'example.com/gpu'].map((name) => ({ name, weight: 1 }));
  const three = stateOf([aNode('a', { cpu: '4', memory: '4Gi', allocatable: { 'example.com/gpu': '1' } })]);
  const pod = aPod('web', { requests: { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' } });
  // Fractions 1/4, 1/4 and 1: mean 1/2, deviation 0.3535.
  assert.deepEqual(scoreAll(nodeResourcesBalancedAllocation(resources), three, pod), { a: 64 });
});

test('NodeResourcesBalancedAllocation: a pod without requests is not scored', () => {
  assert.equal(scoreAll(nodeResourcesBalancedAllocation(), state, aPod('web')), 'skip');
});
