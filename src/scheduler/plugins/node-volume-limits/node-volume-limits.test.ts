import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { bound, mounting, someVolumes } from '../volume-binding/volumes.fixture.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';

const driver = 'csi.example.com';
const volume = (volumeHandle: string) => ({ spec: { csi: { driver, volumeHandle } } });
const plugin = nodeVolumeLimits(
  someVolumes({
    claims: { 'default/one': bound('v1'), 'default/two': bound('v2') },
    volumes: { v1: volume('h1'), v2: volume('h2') },
    nodeStorage: { a: { spec: { drivers: [{ name: driver, nodeID: 'a', allocatable: { count: 1 } }] } } },
  }),
);
const state = stateOf([aNode('a'), aNode('unlimited')], [mounting('first', ['one'], { nodeName: 'a' })]);

test('NodeVolumeLimits: a node attaches no more volumes than its driver allows', () => {
  assert.deepEqual(filterAll(plugin, state, mounting('second', ['two'])), {
    a: 'node(s) exceed max volume count',
    unlimited: 'ok',
  });
});

test('NodeVolumeLimits: a volume that is attached already costs nothing', () => {
  assert.deepEqual(filterAll(plugin, state, mounting('second', ['one'])), { a: 'ok', unlimited: 'ok' });
});
