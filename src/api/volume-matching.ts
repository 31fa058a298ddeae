import { labelSelectorFromObject } from './label-selector.ts';
import { compareQuantities, parseQuantity } from './quantity.ts';
import type { PersistentVolume, PersistentVolumeClaim } from './types/core.v1.ts';

const STORAGE = 'storage';

/** Whether the claim may have the volume: it is free and satisfies the claim, wherever it can be reached from. */
export function isVolumeFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const named = claim.spec.volumeName ?? '';
  return (
    (named === '' || volume.metadata.name === named) && isFreeFor(volume, claim) && satisfies(volume, claim)
  );
}

/** Smallest first: a claim gets no more than it has to. */
export function bySize(left: PersistentVolume, right: PersistentVolume): number {
  return compareQuantities(capacityOf(left), capacityOf(right));
}

function isFreeFor({ metadata, spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  if (metadata.deletionTimestamp !== undefined) {
    return false;
  }
  return (
    claimRef === undefined ||
    (claimRef.namespace === claim.metadata.namespace &&
      claimRef.name === claim.metadata.name &&
      (claimRef.uid === undefined || claimRef.uid === claim.metadata.uid))
  );
}

function satisfies(volume: PersistentVolume, { spec }: PersistentVolumeClaim): boolean {
  const wanted = spec.resources.requests?.[STORAGE];
  const modes = volume.spec.accessModes ?? [];
  return (
    (volume.spec.storageClassName ?? '') === (spec.storageClassName ?? '') &&
    (volume.spec.volumeMode ?? 'Filesystem') === (spec.volumeMode ?? 'Filesystem') &&
    (spec.accessModes ?? []).every((mode) => modes.includes(mode)) &&
    (spec.selector === undefined ||
      labelSelectorFromObject(spec.selector).matches(volume.metadata.labels ?? {})) &&
    (wanted === undefined || compareQuantities(capacityOf(volume), parseQuantity(wanted)) >= 0)
  );
}

function capacityOf({ spec }: PersistentVolume): ReturnType<typeof parseQuantity> {
  return parseQuantity(spec.capacity?.[STORAGE] ?? '0');
}
