import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM } from '#api/types/resources.ts';
import { startCluster } from '#testing/testing.ts';

const volume = (name: string, storage: string) => ({
  metadata: { name },
  spec: {
    capacity: { storage },
    accessModes: ['ReadWriteOnce'] as const,
    storageClassName: 'slow',
    hostPath: { path: '/tmp' },
  },
});

const claim = (storage: string) => ({
  metadata: { namespace: 'default', name: 'data' },
  spec: {
    accessModes: ['ReadWriteOnce'] as const,
    storageClassName: 'slow',
    resources: { requests: { storage } },
  },
});

test('volume binding: a claim gets the smallest volume that is large enough; a lost claim releases it', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  const volumes = cluster.client.of(PERSISTENT_VOLUME);
  const claims = cluster.client.of(PERSISTENT_VOLUME_CLAIM);
  for (const [name, storage] of [
    ['small', '1Gi'],
    ['medium', '5Gi'],
    ['large', '10Gi'],
  ] as const) {
    await volumes.create(volume(name, storage));
  }
  await cluster.clock.advance({ seconds: 1 });
  assert.equal((await volumes.get('', 'medium')).status.phase, 'Available');
  await claims.create(claim('2Gi'));
  await cluster.clock.advance({ seconds: 1 });
  const bound = await claims.get('default', 'data');
  assert.deepEqual(
    [
      bound.spec.volumeName,
      bound.status.phase,
      bound.status.capacity,
      (await volumes.get('', 'medium')).status.phase,
    ],
    ['medium', 'Bound', { storage: '5Gi' }, 'Bound'],
  );
  await claims.delete('default', 'data');
  await cluster.clock.advance({ seconds: 1 });
  const phases = (await volumes.list('')).items.map(
    ({ metadata, status }) => `${metadata.name} ${status.phase}`,
  );
  assert.deepEqual(phases, ['large Available', 'medium Released', 'small Available']);
});

test('volume binding: a claim that nothing satisfies waits', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  await cluster.client.of(PERSISTENT_VOLUME).create(volume('small', '1Gi'));
  await cluster.client.of(PERSISTENT_VOLUME_CLAIM).create(claim('2Gi'));
  await cluster.clock.advance({ seconds: 1 });
  assert.equal(
    (await cluster.client.of(PERSISTENT_VOLUME_CLAIM).get('default', 'data')).status.phase,
    'Pending',
  );
});
