import type { CSINode, StorageClass } from '#api/types/storage.v1.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import { CSI_NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS } from '#api/types/resources.ts';
import type { Informers, Lister } from '#client/lister.ts';
import { claimNamesOf } from '../../state/claim-use.ts';

/** Claims, volumes and what belongs to them, as the plugins about volumes read them. */
export interface Volumes {
  /** By `namespace/name`. */
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  /** All volumes of a storage class. */
  ofClass(name: string): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  nodeStorage(nodeName: string): CSINode | undefined;
}

export class InformedVolumes implements Volumes {
  readonly #claims: Lister<PersistentVolumeClaim>;
  readonly #volumes: Lister<PersistentVolume>;
  readonly #classes: Lister<StorageClass>;
  readonly #nodes: Lister<CSINode>;

  constructor(informers: Informers) {
    this.#claims = informers.of(PERSISTENT_VOLUME_CLAIM);
    this.#volumes = informers.of(PERSISTENT_VOLUME);
    this.#classes = informers.of(STORAGE_CLASS);
    this.#nodes = informers.of(CSI_NODE);
  }

  claim(key: string): PersistentVolumeClaim | undefined {
    return this.#claims.get(key);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#volumes.get(name);
  }

  ofClass(name: string): readonly PersistentVolume[] {
    return this.#volumes.list().filter(({ spec }) => spec.storageClassName === name);
  }

  storageClass(name: string): StorageClass | undefined {
    return this.#classes.get(name);
  }

  nodeStorage(nodeName: string): CSINode | undefined {
    return this.#nodes.get(nodeName);
  }
}

/** The bound volumes of a pod's claims; claims that are missing or not bound are left out. */
export function boundVolumesOf({ metadata, spec }: Pod, volumes: Volumes): readonly PersistentVolume[] {
  return claimNamesOf(metadata.name, spec).flatMap((name) => {
    const volumeName = volumes.claim(`${metadata.namespace}/${name}`)?.spec.volumeName ?? '';
    return volumes.volume(volumeName) ?? [];
  });
}
