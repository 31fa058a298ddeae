import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { bound, mounting, someVolumes } from '../volume-binding/volumes.fixture.ts';
import { volumeRestrictions } from './volume-restrictions.ts';

const plugin = volumeRestrictions(
  someVolumes({
    claims: {
      'default/alone': bound('v', { accessModes: ['ReadWriteOncePod'] }),
      'default/shared': bound('w', { accessModes: ['ReadWriteOnce'] }),
    },
  }),
);
const state = stateOf([aNode('a'), aNode('b')], [mounting('first', ['alone', 'shared'], { nodeName: 'a' })]);

test('VolumeRestrictions: a claim for one pod alone keeps the second out, wherever the first runs', () => {
  const reason =
    'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';
  assert.deepEqual(filterAll(plugin, state, mounting('second', ['alone'])), { a: reason, b: reason });
});

test('VolumeRestrictions: other claims may be shared', () => {
  assert.equal(filterAll(plugin, state, mounting('second', ['shared'])), 'skip');
});
