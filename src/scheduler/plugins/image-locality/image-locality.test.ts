import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { scoreAll, stateOf } from '../plugin.fixture.ts';
import { imageLocality } from './image-locality.ts';

const MIB = 1024 * 1024;

function holding(name: string, image: string, sizeMib: number) {
  return aNode(name, { images: [{ names: [image], sizeBytes: sizeMib * MIB }] });
}

test('ImageLocality: a large image on the node counts, the more the more nodes hold it', () => {
  const state = stateOf([holding('a', 'app:1', 400), holding('b', 'app:1', 400), aNode('c'), aNode('d')]);
  // 400 MiB held by half of the nodes: (200 - 23) of (1000 - 23).
  assert.deepEqual(scoreAll(imageLocality, state, aPod('web')), { a: 18, b: 18, c: 0, d: 0 });
});

test('ImageLocality: an image without a tag is the latest one', () => {
  const state = stateOf([holding('a', 'registry:5000/app:latest', 2000)]);
  const pod = aPod('web', { image: 'registry:5000/app' });
  assert.deepEqual(scoreAll(imageLocality, state, pod), { a: 100 });
});

test('ImageLocality: images that no node holds say nothing', () => {
  assert.equal(scoreAll(imageLocality, stateOf([aNode('a')]), aPod('web')), 'skip');
});
