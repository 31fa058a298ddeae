import { compareQuantities, parseQuantity } from '#api/quantity.ts';
import type { PersistentVolumeClaim } from '#api/types/core.v1.ts';
import { STORAGE_CLASS } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

/** A claim grows only when it is bound and its class can grow volumes. */
export class PersistentVolumeClaimResize implements ValidatingPlugin {
  readonly name = 'PersistentVolumeClaimResize';
  readonly scope: AdmissionScope = { operations: ['UPDATE'], resources: ['persistentvolumeclaims'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  validate(attributes: AdmissionAttributes): void {
    const claim = attributes.object as PersistentVolumeClaim;
    const old = attributes.oldObject as PersistentVolumeClaim;
    const wanted = parseQuantity(claim.spec.resources.requests?.['storage'] ?? '0');
    const present = parseQuantity(old.spec.resources.requests?.['storage'] ?? '0');
    if (compareQuantities(wanted, present) <= 0) {
      return;
    }
    if (old.status.phase !== 'Bound') {
      throw forbid(attributes, 'Only bound persistent volume claims can be expanded');
    }
    const className = classOf(old) === classOf(claim) ? classOf(claim) : '';
    const storageClass = className === '' ? undefined : this.#reader.get(STORAGE_CLASS, '', className);
    if (storageClass?.allowVolumeExpansion !== true) {
      throw forbid(
        attributes,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    }
  }
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '';
}
