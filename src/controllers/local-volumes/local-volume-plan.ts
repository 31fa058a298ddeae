import { PROVISIONED_BY } from '#api/volume-annotations.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '#api/types/core.v1.ts';
import type { StorageClass } from '#api/types/storage.v1.ts';
import type { NewObject } from '#api/object.ts';

/** Provisioner of volumes that are directories of the node which runs their pods. */
export const LOCAL_PROVISIONER = 'coracle.dev/local';
const HOSTNAME = 'kubernetes.io/hostname';

/**
 * The volume for a claim on a node: a directory that is made when the first pod mounts it. Nothing holds pods to the
 * size they asked for.
 *
 * @param directory of the node, under which every volume has its own
 */
export function localVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: Node,
  directory: string,
): NewObject<PersistentVolume> {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const volumeName = `pvc-${uid}`;
  const { accessModes, volumeMode, resources } = claim.spec;
  return {
    metadata: { name: volumeName, annotations: { [PROVISIONED_BY]: LOCAL_PROVISIONER } },
    spec: {
      capacity: { storage: resources.requests?.['storage'] ?? '0' },
      accessModes: accessModes ?? ['ReadWriteOnce'],
      volumeMode: volumeMode ?? 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      hostPath: { path: `${directory}/${volumeName}_${namespace}_${name}`, type: 'DirectoryOrCreate' },
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                {
                  key: HOSTNAME,
                  operator: 'In',
                  values: [node.metadata.labels?.[HOSTNAME] ?? node.metadata.name],
                },
              ],
            },
          ],
        },
      },
    },
  };
}

/** Why no volume can be made for the claim, or undefined. */
export function refusal(claim: PersistentVolumeClaim, selectedNode: string): string | undefined {
  if (claim.spec.volumeMode === 'Block') {
    return `${LOCAL_PROVISIONER} makes directories, not block devices; ask for volumeMode Filesystem`;
  }
  if (claim.spec.dataSource !== undefined || claim.spec.dataSourceRef !== undefined) {
    return `${LOCAL_PROVISIONER} makes empty volumes only; leave dataSource out`;
  }
  return selectedNode === ''
    ? `${LOCAL_PROVISIONER} needs a node to make a volume on; use a StorageClass with volumeBindingMode WaitForFirstConsumer`
    : undefined;
}
