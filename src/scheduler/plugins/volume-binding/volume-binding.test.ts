import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNode, aPod } from '../../cluster.fixture.ts';
import { filterAll, stateOf } from '../plugin.fixture.ts';
import { Client } from '#client/client.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { VolumeBinder } from './volume-binder.ts';
import { volumeBinding } from './volume-binding.ts';
import { bound, mounting, someVolumes, type VolumeFacts } from './volumes.fixture.ts';

const state = stateOf([aNode('a'), aNode('b')]);
const clock = new VirtualClock();
const binder = new VolumeBinder({
  client: new Client(new MemoryTransport(clock)),
  clock,
  claims: { get: () => undefined, addHandler: () => ({ [Symbol.dispose]: () => undefined }) },
});
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

const WAITING = {
  metadata: { name: 'local' },
  volumeBindingMode: 'WaitForFirstConsumer',
  provisioner: 'kubernetes.io/no-provisioner',
} as const;
const ONE_GIGABYTE = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } as const;
const FREE = {
  storageClassName: 'local',
  accessModes: ['ReadWriteOnce'],
  capacity: { storage: '2Gi' },
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
      classes: { local: WAITING },
    },
    verdict: everywhere("node(s) didn't find available persistent volumes to bind"),
  },
  {
    name: 'a claim that waits, and a free volume that one node reaches',
    facts: {
      claims: { 'default/data': { spec: { storageClassName: 'local', ...ONE_GIGABYTE } } },
      classes: { local: WAITING },
      volumes: { v: { spec: { ...onNodeA.spec, ...FREE } } },
    },
    verdict: { a: 'ok', b: "node(s) didn't find available persistent volumes to bind" },
  },
  {
    name: 'a claim that waits, and a class that makes volumes',
    facts: {
      claims: { 'default/data': { spec: { storageClassName: 'made', ...ONE_GIGABYTE } } },
      classes: { made: { ...WAITING, metadata: { name: 'made' }, provisioner: 'example.com/disk' } },
    },
    verdict: everywhere('ok'),
  },
  {
    name: 'a claim that waits, and a class that makes volumes in one place',
    facts: {
      claims: { 'default/data': { spec: { storageClassName: 'made', ...ONE_GIGABYTE } } },
      classes: {
        made: {
          ...WAITING,
          metadata: { name: 'made' },
          provisioner: 'example.com/disk',
          allowedTopologies: [{ matchLabelExpressions: [{ key: 'kubernetes.io/hostname', values: ['b'] }] }],
        },
      },
    },
    verdict: { a: "node(s) didn't find available persistent volumes to bind", b: 'ok' },
  },
  {
    name: 'a claim whose volume is being made for a node',
    facts: {
      claims: {
        'default/data': {
          metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'b' } },
          spec: { storageClassName: 'made', ...ONE_GIGABYTE },
        },
      },
      classes: { made: { ...WAITING, metadata: { name: 'made' }, provisioner: 'example.com/disk' } },
    },
    verdict: { a: "node(s) didn't find available persistent volumes to bind", b: 'ok' },
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
    assert.deepEqual(
      filterAll(volumeBinding(someVolumes(facts), binder), state, mounting('web', ['data'])),
      verdict,
    );
  });
}

test('VolumeBinding: a generic ephemeral volume waits for its claim, and takes no other pod’s', () => {
  const pod = aPod('web', { spec: { volumes: [{ name: 'tmp', ephemeral: {} }] } });
  assert.equal(
    filterAll(volumeBinding(someVolumes({}), binder), state, pod),
    'waiting for ephemeral volume controller to create the persistentvolumeclaim "web-tmp"',
  );
  assert.equal(
    filterAll(volumeBinding(someVolumes({ claims: { 'default/web-tmp': bound('v') } }), binder), state, pod),
    'PVC default/web-tmp was not created for pod default/web (pod is not owner)',
  );
});
