import { BIND_COMPLETED } from '#api/volume-annotations.ts';
import { isNotFound } from '#api/status-error.ts';
import type { PersistentVolume, Pod, Volume } from '#api/types/core.v1.ts';
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';

/** The volume behind a pod's claim. */
export interface ClaimedVolume {
  readonly volume: PersistentVolume;
  readonly readOnly: boolean;
}

/** Finds the volumes that claims are bound to. */
export type ClaimedVolumes = (
  pod: Pod,
  volume: Volume,
  signal: AbortSignal,
) => Promise<ClaimedVolume | undefined>;

/** Asks the API server, which lets a node read the claims of its own pods and their volumes. */
export function claimedVolumes(client: Client): ClaimedVolumes {
  return async ({ metadata }, { name, persistentVolumeClaim, ephemeral }, signal) => {
    const claimName =
      persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
    if (claimName === undefined) {
      return undefined;
    }
    const { namespace } = metadata;
    const claim = await known(
      client.of(PERSISTENT_VOLUME_CLAIM).get(namespace, claimName, signal),
      `persistentvolumeclaim "${claimName}" not found`,
    );
    const isOwned = (claim.metadata.ownerReferences ?? []).some(({ uid }) => uid === metadata.uid);
    if (ephemeral !== undefined && !isOwned) {
      throw new Error(
        `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${metadata.name} (pod is not owner)`,
      );
    }
    const { volumeName = '' } = claim.spec;
    if (volumeName === '' || claim.metadata.annotations?.[BIND_COMPLETED] === undefined) {
      throw new Error(`PVC ${namespace}/${claimName} is not bound`);
    }
    const volume = await known(
      client.of(PERSISTENT_VOLUME).get('', volumeName, signal),
      `persistentvolume "${volumeName}" not found`,
    );
    if (volume.spec.claimRef?.uid !== claim.metadata.uid) {
      throw new Error(`PV ${volumeName} is not bound to PVC ${namespace}/${claimName}`);
    }
    return { volume, readOnly: persistentVolumeClaim?.readOnly === true };
  };
}

async function known<T>(reading: Promise<T>, message: string): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error)) {
      throw new Error(message, { cause: error });
    }
    throw error;
  }
}
