import type { CSINode, StorageClass } from '#api/types/storage.v1.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import type { DeepPartial } from '#api/object.ts';
import { aPod, type PodFacts } from '../../cluster.fixture.ts';
import type { Volumes } from './volumes.ts';

export interface VolumeFacts {
  /** By `namespace/name`. */
  readonly claims?: Readonly<Record<string, DeepPartial<PersistentVolumeClaim>>>;
  readonly volumes?: Readonly<Record<string, DeepPartial<PersistentVolume>>>;
  readonly classes?: Readonly<Record<string, DeepPartial<StorageClass>>>;
  readonly nodeStorage?: Readonly<Record<string, DeepPartial<CSINode>>>;
}

/** Volumes as a test wrote them down, with the structs that the server never leaves out. */
export function someVolumes({
  claims = {},
  volumes = {},
  classes = {},
  nodeStorage = {},
}: VolumeFacts): Volumes {
  const complete = <T>(object: DeepPartial<T> | undefined): T | undefined =>
    // As complete as the plugins need.
    object === undefined ? undefined : ({ metadata: {}, spec: {}, status: {}, ...object } as unknown as T);
  return {
    claim: (key) => complete<PersistentVolumeClaim>(claims[key]),
    volume: (name) => complete<PersistentVolume>(volumes[name]),
    ofClass: (name) =>
      Object.entries(volumes).flatMap(([volumeName, volume]) => {
        const whole = complete<PersistentVolume>({
          ...volume,
          metadata: { name: volumeName, ...volume.metadata },
        });
        return whole?.spec.storageClassName === name ? [whole] : [];
      }),
    storageClass: (name) => complete<StorageClass>(classes[name]),
    nodeStorage: (name) => complete<CSINode>(nodeStorage[name]),
  };
}

/** A claim bound to a volume. */
export function bound(
  volumeName: string,
  spec: DeepPartial<PersistentVolumeClaim['spec']> = {},
): DeepPartial<PersistentVolumeClaim> {
  return {
    metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { volumeName, ...spec },
    status: { phase: 'Bound' },
  };
}

/** A pod that mounts the claims. */
export function mounting(name: string, claimNames: readonly string[], facts: PodFacts = {}): Pod {
  const volumes = claimNames.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
  return aPod(name, { ...facts, spec: { volumes } });
}
