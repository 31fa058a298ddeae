import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import { refusalOf, writeOf } from '../admission.fixture.ts';
import { PersistentVolumeClaimResize } from './persistent-volume-claim-resize.ts';

function claim(storage: string, storageClassName: string | undefined, phase: string) {
  return {
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { storageClassName, resources: { requests: { storage } } },
    status: { phase },
  };
}

function storageClassOf(name: string, more: object): object {
  return { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, ...more };
}

/** What becomes of a bound claim that asks for more. */
function grow(storageClass: string | undefined, phase = 'Bound', storage = '2Gi'): Promise<string> {
  const reader = new ObjectsInMemory();
  reader.put(storageClassOf('elastic', { allowVolumeExpansion: true }), storageClassOf('stiff', {}));
  const oldObject = writeOf(claim('1Gi', storageClass, phase)).object;
  return refusalOf(
    new PersistentVolumeClaimResize(reader),
    writeOf(claim(storage, storageClass, phase), { operation: 'UPDATE', oldObject }),
  );
}

test('claim resize: only a bound claim of a class that can expand may grow', async () => {
  const refused =
    '403 persistentvolumeclaims "data" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
  assert.deepEqual(
    {
      elastic: await grow('elastic'),
      stiff: await grow('stiff'),
      'a class that is gone': await grow('gone'),
      'no class': await grow(undefined),
      'no growth': await grow('stiff', 'Bound', '1Gi'),
      pending: await grow('elastic', 'Pending'),
    },
    {
      elastic: 'admitted',
      stiff: refused,
      'a class that is gone': refused,
      'no class': refused,
      'no growth': 'admitted',
      pending:
        '403 persistentvolumeclaims "data" is forbidden: Only bound persistent volume claims can be expanded',
    },
  );
});
