import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { dynamicResources } from './dynamic-resources.ts';

test('DynamicResources: a pod with resource claims waits instead of starting without its device', () => {
  const state = stateOf([aNode('a')]);
  const claiming = aPod('web', { spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] } });
  assert.equal(
    filterAll(dynamicResources, state, claiming),
    'resource claims are not allocated by this scheduler yet',
  );
  assert.equal(filterAll(dynamicResources, state, aPod('plain')), 'skip');
});
