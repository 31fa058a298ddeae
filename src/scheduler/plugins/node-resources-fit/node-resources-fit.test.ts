import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod, type PodFacts } from '../../cluster.fixture.ts';
import { contextOf, filterAll, scoreAll, stateOf } from '../plugin.fixture.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { DEFAULT_RESOURCES } from './scoring-strategy.ts';

const GPU = 'example.com/gpu';

const cases: readonly { name: string; used?: PodFacts['requests']; pod: PodFacts; verdict: string }[] = [
  {
    name: 'what is left is enough',
    used: { cpu: '1' },
    pod: { requests: { cpu: '1', memory: '1Gi' } },
    verdict: 'ok',
  },
  {
    name: 'too little cpu left',
    used: { cpu: '1500m' },
    pod: { requests: { cpu: '501m' } },
    verdict: 'Insufficient cpu',
  },
  {
    name: 'everything that lacks is named',
    pod: { requests: { cpu: '3', memory: '9Gi' } },
    verdict: 'Insufficient cpu, Insufficient memory',
  },
  {
    name: 'an extended resource',
    used: { [GPU]: '1' },
    pod: { requests: { [GPU]: '1' } },
    verdict: `Insufficient ${GPU}`,
  },
  {
    name: 'a resource the node does not have',
    pod: { requests: { 'example.com/fpga': '1' } },
    verdict: 'Insufficient example.com/fpga',
  },
  { name: 'a pod without requests', used: { cpu: '2' }, pod: {}, verdict: 'ok' },
  {
    name: 'init containers count alone, not with the others',
    pod: {
      requests: { cpu: '1' },
      spec: { initContainers: [{ name: 'init', resources: { requests: { cpu: '2' } } }] },
    },
    verdict: 'ok',
  },
  {
    name: 'sidecars count with the others',
    pod: {
      requests: { cpu: '1' },
      spec: {
        initContainers: [
          { name: 'side', restartPolicy: 'Always', resources: { requests: { cpu: '1500m' } } },
        ],
      },
    },
    verdict: 'Insufficient cpu',
  },
  {
    name: 'overhead counts',
    pod: { requests: { cpu: '1500m' }, spec: { overhead: { cpu: '600m' } } },
    verdict: 'Insufficient cpu',
  },
  {
    name: 'requests of the pod as a whole replace the sum',
    pod: { requests: { cpu: '3' }, spec: { resources: { requests: { cpu: '2' } } } },
    verdict: 'ok',
  },
];

for (const { name, used = {}, pod, verdict } of cases) {
  test(`NodeResourcesFit: ${name}`, () => {
    const node = aNode('a', { cpu: '2', memory: '4Gi', allocatable: { [GPU]: '1' } });
    const state = stateOf([node], [aPod('there', { nodeName: 'a', requests: used })]);
    assert.deepEqual(filterAll(nodeResourcesFit(), state, aPod('new', pod)), { a: verdict });
  });
}

test('NodeResourcesFit: a node takes only so many pods', () => {
  const state = stateOf([aNode('a', { pods: '1' })], [aPod('there', { nodeName: 'a' })]);
  assert.deepEqual(filterAll(nodeResourcesFit(), state, aPod('new')), { a: 'Too many pods' });
});

test('NodeResourcesFit: removing pods helps only where the empty node would be large enough', () => {
  const used = aPod('there', { nodeName: 'full', requests: { cpu: '4' } });
  const state = stateOf([aNode('full', { cpu: '4' }), aNode('tiny', { cpu: '1' })], [used]);
  const outcome = nodeResourcesFit().preFilter?.(contextOf(state, aPod('new', { requests: { cpu: '2' } })));
  assert.ok(outcome !== undefined && outcome !== 'skip' && 'filter' in outcome);
  assert.deepEqual(
    [0, 1].map((row) => outcome.filter.check(row)?.isResolvable),
    [true, false],
  );
});

const nodes = [aNode('empty', { cpu: '4', memory: '8Gi' }), aNode('half', { cpu: '4', memory: '8Gi' })];
const placed = [aPod('there', { nodeName: 'half', requests: { cpu: '2', memory: '4Gi' } })];
const pod = aPod('new', { requests: { cpu: '1', memory: '2Gi' } });

test('NodeResourcesFit: the emptier node is better by default, the fuller one with MostAllocated', () => {
  const state = stateOf(nodes, placed);
  assert.deepEqual(scoreAll(nodeResourcesFit(), state, pod), { empty: 75, half: 25 });
  const most = nodeResourcesFit({ type: 'MostAllocated', resources: DEFAULT_RESOURCES });
  assert.deepEqual(scoreAll(most, state, pod), { empty: 25, half: 75 });
});

test('NodeResourcesFit: a pod without requests counts as a small one in scores', () => {
  const state = stateOf([aNode('a', { cpu: '1', memory: '2000Mi' })]);
  assert.deepEqual(scoreAll(nodeResourcesFit(), state, aPod('new')), { a: 90 });
});

test('NodeResourcesFit: RequestedToCapacityRatio follows its curve', () => {
  const packed = nodeResourcesFit({
    type: 'RequestedToCapacityRatio',
    resources: [
      { name: 'cpu', weight: 3 },
      { name: 'memory', weight: 1 },
    ],
    shape: [
      { utilization: 0, score: 0 },
      { utilization: 50, score: 10 },
      { utilization: 100, score: 0 },
    ],
  });
  assert.deepEqual(scoreAll(packed, stateOf(nodes, placed), pod), { empty: 50, half: 50 });
});
