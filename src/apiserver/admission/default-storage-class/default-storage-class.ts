import type { PersistentVolumeClaim } from '#api/types/core.v1.ts';
import { STORAGE_CLASS } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';
import { defaultClass } from '../default-class.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const DEFAULT_ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** A claim that names no class gets the default one; an empty name is a name, and means none. */
export class DefaultStorageClass implements MutatingPlugin {
  readonly name = 'DefaultStorageClass';
  readonly scope: AdmissionScope = { operations: ['CREATE'], resources: ['persistentvolumeclaims'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit({ object }: AdmissionAttributes): PersistentVolumeClaim {
    const claim = object as PersistentVolumeClaim;
    if (
      claim.spec.storageClassName !== undefined ||
      claim.metadata.annotations?.[CLASS_ANNOTATION] !== undefined
    ) {
      return claim;
    }
    const found = defaultClass(this.#reader.list(STORAGE_CLASS, ''), DEFAULT_ANNOTATIONS);
    return found === undefined
      ? claim
      : { ...claim, spec: { ...claim.spec, storageClassName: found.metadata.name } };
  }
}
