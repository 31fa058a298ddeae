import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '#api/types/core.v1.ts';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, scoreAll, stateOf } from '../plugin.fixture.ts';
import { nodeAffinity } from './node-affinity.ts';

const state = stateOf([
  aNode('ssd-9', { labels: { disk: 'ssd', generation: '9' } }),
  aNode('hdd-10', { labels: { disk: 'hdd', generation: '10' } }),
  aNode('bare'),
]);

function required(...nodeSelectorTerms: readonly NodeSelectorTerm[]): Partial<PodSpec> {
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  };
}

function expression(
  key: string,
  operator: NodeSelectorRequirement['operator'],
  ...values: readonly string[]
): NodeSelectorTerm {
  return { matchExpressions: [{ key, operator, values }] };
}

const cases: readonly { name: string; spec: Partial<PodSpec>; fits: readonly string[] }[] = [
  { name: 'nodeSelector', spec: { nodeSelector: { disk: 'ssd' } }, fits: ['ssd-9'] },
  { name: 'In', spec: required(expression('disk', 'In', 'ssd', 'hdd')), fits: ['ssd-9', 'hdd-10'] },
  {
    name: 'NotIn also takes nodes without the label',
    spec: required(expression('disk', 'NotIn', 'ssd')),
    fits: ['hdd-10', 'bare'],
  },
  { name: 'Exists', spec: required(expression('disk', 'Exists')), fits: ['ssd-9', 'hdd-10'] },
  { name: 'DoesNotExist', spec: required(expression('disk', 'DoesNotExist')), fits: ['bare'] },
  {
    name: 'Gt compares numbers, not texts',
    spec: required(expression('generation', 'Gt', '9')),
    fits: ['hdd-10'],
  },
  { name: 'Lt', spec: required(expression('generation', 'Lt', '10')), fits: ['ssd-9'] },
  {
    name: 'terms are alternatives',
    spec: required(expression('disk', 'In', 'ssd'), expression('disk', 'In', 'hdd')),
    fits: ['ssd-9', 'hdd-10'],
  },
  { name: 'an empty term takes no node', spec: required({}), fits: [] },
  { name: 'no term takes no node', spec: required(), fits: [] },
  {
    name: 'selector and affinity must both hold',
    spec: { ...required(expression('disk', 'Exists')), nodeSelector: { disk: 'hdd' } },
    fits: ['hdd-10'],
  },
  {
    name: 'a field names the node',
    spec: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['bare'] }] }),
    fits: ['bare'],
  },
];

for (const { name, spec, fits } of cases) {
  test(`NodeAffinity: ${name}`, () => {
    const verdicts = filterAll(nodeAffinity, state, aPod('web', { spec }));
    assert.deepEqual(
      Object.entries(verdicts).flatMap(([node, verdict]) => (verdict === 'ok' ? [node] : [])),
      fits,
    );
  });
}

test('NodeAffinity: preferred terms add up and are scaled to the best node', () => {
  const spec: Partial<PodSpec> = {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 30, preference: expression('disk', 'Exists') },
          { weight: 10, preference: expression('disk', 'In', 'ssd') },
          { weight: 50, preference: {} },
        ],
      },
    },
  };
  assert.deepEqual(scoreAll(nodeAffinity, state, aPod('web', { spec })), {
    'ssd-9': 100,
    'hdd-10': 75,
    bare: 0,
  });
  assert.equal(scoreAll(nodeAffinity, state, aPod('plain')), 'skip');
});
