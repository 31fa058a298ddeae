import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Taint, Toleration } from '#api/types/core.v1.ts';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, scoreAll, stateOf } from '../plugin.fixture.ts';
import { taintToleration } from './taint-toleration.ts';

const DB: Taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };

const cases: readonly { name: string; taint: Taint; toleration: Toleration | undefined; isFit: boolean }[] = [
  { name: 'no toleration', taint: DB, toleration: undefined, isFit: false },
  {
    name: 'equal key and value',
    taint: DB,
    toleration: { key: 'dedicated', operator: 'Equal', value: 'db' },
    isFit: true,
  },
  {
    name: 'Equal is the default operator',
    taint: DB,
    toleration: { key: 'dedicated', value: 'db' },
    isFit: true,
  },
  { name: 'another value', taint: DB, toleration: { key: 'dedicated', value: 'web' }, isFit: false },
  { name: 'any value', taint: DB, toleration: { key: 'dedicated', operator: 'Exists' }, isFit: true },
  { name: 'any taint', taint: DB, toleration: { operator: 'Exists' }, isFit: true },
  {
    name: 'another effect',
    taint: DB,
    toleration: { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' },
    isFit: false,
  },
  {
    name: 'NoExecute keeps out too',
    taint: { ...DB, effect: 'NoExecute' },
    toleration: undefined,
    isFit: false,
  },
  {
    name: 'PreferNoSchedule does not',
    taint: { ...DB, effect: 'PreferNoSchedule' },
    toleration: undefined,
    isFit: true,
  },
];

for (const { name, taint, toleration, isFit } of cases) {
  test(`TaintToleration: ${name} ${isFit ? 'lets the pod in' : 'keeps the pod out'}`, () => {
    const state = stateOf([aNode('a', { taints: [taint] })]);
    const pod = aPod('web', { spec: { tolerations: toleration === undefined ? [] : [toleration] } });
    assert.deepEqual(filterAll(taintToleration, state, pod), {
      a: isFit ? 'ok' : 'node(s) had untolerated taint(s)',
    });
  });
}

test('TaintToleration: the fewer unwelcome preferences, the better the node', () => {
  const soft = (key: string): Taint => ({ key, effect: 'PreferNoSchedule' });
  const state = stateOf([
    aNode('none'),
    aNode('one', { taints: [soft('x')] }),
    aNode('two', { taints: [soft('x'), soft('y')] }),
    aNode('tolerated', { taints: [soft('z')] }),
  ]);
  const pod = aPod('web', { spec: { tolerations: [{ key: 'z', operator: 'Exists' }] } });
  assert.deepEqual(scoreAll(taintToleration, state, pod), { none: 100, one: 50, two: 0, tolerated: 100 });
});
