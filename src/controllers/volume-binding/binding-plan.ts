import type { PersistentVolume, PersistentVolumeClaim } from '#api/types/core.v1.ts';
import { bySize, isVolumeFor } from '#api/volume-matching.ts';

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
  const fitting = volumes.filter((volume) => isVolumeFor(volume, claim));
  const kept = fitting.find(({ spec }) => spec.claimRef !== undefined);
  return kept ?? fitting.toSorted(bySize)[0];
}
