import { labelSelectorFromObject } from '#api/label-selector.ts';
import { compareQuantities, parseQuantity } from '#api/quantity.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '#api/types/core.v1.ts';

const STORAGE = 'storage';

/** The phase a volume should be in, as far as its claim decides it; undefined to leave it as it is. */
export function volumePhase(
  volume: PersistentVolume,
  claimOf: (namespace: string, name: string) => PersistentVolumeClaim | undefined,
): 'Available' | 'Bound' | 'Released' | undefined {
  const { claimRef } = volume.spec;
  if (claimRef === undefined) {
    return 'Available';
  }
  if (claimRef.uid === undefined) {
    // Kept for a claim by its author; it is free until that claim takes it.
    return 'Available';
  }
  const claim = claimOf(claimRef.namespace ?? '', claimRef.name ?? '');
  if (claim === undefined || claim.metadata.uid !== claimRef.uid) {
    return volume.status.phase === 'Failed' ? undefined : 'Released';
  }
  return claim.spec.volumeName === volume.metadata.name ? 'Bound' : undefined;
}

/** The volume to bind a claim to: one kept for it, else the smallest that satisfies it; undefined when there is none. */
export function chooseVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const named = claim.spec.volumeName ?? '';
  const fitting = volumes.filter(
    (volume) =>
      (named === '' || volume.metadata.name === named) &&
      isFreeFor(volume, claim) &&
      satisfies(volume, claim),
  );
  const kept = fitting.find(({ spec }) => spec.claimRef !== undefined);
  return kept ?? fitting.toSorted((left, right) => compareQuantities(capacityOf(left), capacityOf(right)))[0];
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
