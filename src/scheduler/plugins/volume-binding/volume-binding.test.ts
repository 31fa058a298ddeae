import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { volumeBinding } from './volume-binding.ts';
import { bound, mounting, someVolumes, type VolumeFacts } from './volumes.fixture.ts';

const state = stateOf([aNode('a'), aNode('b')]);
const everywhere = (reason: string) => ({ a: reason, b: reason });
const onNodeA = {
  spec: {
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['a'] }] },
        ],
      },
    },
  },
} as const;

const cases: readonly { name: string; facts: VolumeFacts; verdict: object | string }[] = [
  { name: 'a missing claim', facts: {}, verdict: 'persistentvolumeclaim "data" not found' },
  {
    name: 'a claim that goes',
    facts: { claims: { 'default/data': { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } } } },
    verdict: 'persistentvolumeclaim "data" is being deleted',
  },
  {
    name: 'a claim that lost its volume',
    facts: { claims: { 'default/data': { spec: { volumeName: 'v' }, status: { phase: 'Lost' } } } },
    verdict: 'persistentvolumeclaim "data" bound to non-existent persistentvolume "v"',
  },
  {
    name: 'a claim that is bound at once, but is not yet',
    facts: { claims: { 'default/data': {} } },
    verdict: 'pod has unbound immediate PersistentVolumeClaims',
  },
  {
    name: 'a claim that waits for its first consumer',
    facts: {
      claims: { 'default/data': { spec: { storageClassName: 'local' } } },
      classes: { local: { volumeBindingMode: 'WaitForFirstConsumer' } },
    },
    verdict: everywhere("node(s) didn't find available persistent volumes to bind"),
  },
  {
    name: 'a volume that is gone',
    facts: { claims: { 'default/data': bound('v') } },
    verdict: everywhere('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'),
  },
  {
    name: 'a volume that one node can reach',
    facts: { claims: { 'default/data': bound('v') }, volumes: { v: onNodeA } },
    verdict: { a: 'ok', b: "node(s) didn't match PersistentVolume's node affinity" },
  },
  {
    name: 'a volume that all nodes can reach',
    facts: { claims: { 'default/data': bound('v') }, volumes: { v: {} } },
    verdict: everywhere('ok'),
  },
];

for (const { name, facts, verdict } of cases) {
  test(`VolumeBinding: ${name}`, () => {
    assert.deepEqual(filterAll(volumeBinding(someVolumes(facts)), state, mounting('web', ['data'])), verdict);
  });
}

test('VolumeBinding: a generic ephemeral volume waits for its claim, and takes no other pod’s', () => {
  const pod = aPod('web', { spec: { volumes: [{ name: 'tmp', ephemeral: {} }] } });
  assert.equal(
    filterAll(volumeBinding(someVolumes({})), state, pod),
    'waiting for ephemeral volume controller to create the persistentvolumeclaim "web-tmp"',
  );
  assert.equal(
    filterAll(volumeBinding(someVolumes({ claims: { 'default/web-tmp': bound('v') } })), state, pod),
    'PVC default/web-tmp was not created for pod default/web (pod is not owner)',
  );
});
