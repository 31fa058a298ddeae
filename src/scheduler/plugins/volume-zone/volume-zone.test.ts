import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { bound, mounting, someVolumes } from '../volume-binding/volumes.fixture.ts';
import { volumeZone } from './volume-zone.ts';

const ZONE = 'topology.kubernetes.io/zone';
const state = stateOf([
  aNode('a', { labels: { [ZONE]: 'a' } }),
  aNode('b', { labels: { [ZONE]: 'b' } }),
  aNode('bare'),
]);

function verdicts(zone: string) {
  const volumes = someVolumes({
    claims: { 'default/data': bound('v') },
    volumes: { v: { metadata: { labels: { [ZONE]: zone } } } },
  });
  return filterAll(volumeZone(volumes), state, mounting('web', ['data']));
}

test('VolumeZone: a pod stays in the zone of its volume; nodes without zones are not asked', () => {
  assert.deepEqual(verdicts('b'), { a: 'node(s) had no available volume zone', b: 'ok', bare: 'ok' });
});

test('VolumeZone: a volume may be in several zones', () => {
  assert.deepEqual(verdicts('a__b'), { a: 'ok', b: 'ok', bare: 'ok' });
});
