import type { ApiObject } from '#api/object.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  volumeattributesclasses: 'kubernetes.io/vac-protection',
};

/** Volumes and claims are not removed while something uses them: a controller takes the finalizer off. */
export class StorageObjectInUseProtection implements MutatingPlugin {
  readonly name = 'StorageObjectInUseProtection';
  readonly scope: AdmissionScope = {
    operations: ['CREATE'],
    resources: ['persistentvolumes', 'persistentvolumeclaims', 'volumeattributesclasses.storage.k8s.io'],
  };

  admit({ object, resource }: AdmissionAttributes): ApiObject | undefined {
    const finalizer = FINALIZERS[resource.resource];
    const finalizers = object?.metadata.finalizers ?? [];
    if (object === undefined || finalizer === undefined || finalizers.includes(finalizer)) {
      return object;
    }
    return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
  }
}
