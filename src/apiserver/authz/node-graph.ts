import type { Pod, PodSpec, Volume } from '#api/types/core.v1.ts';
import { PERSISTENT_VOLUME_CLAIM, POD, VOLUME_ATTACHMENT } from '#api/types/resources.ts';
import type { ObjectReader } from '../object-reader.ts';

/** What a node's pods need: `secret/ns/name`, and by how many pods of the node each is needed. */
type References = Map<string, number>;

export type ReferenceKind = 'secret' | 'configmap' | 'pvc' | 'serviceaccount' | 'resourceclaim';

/** Knows which objects the pods on each node refer to. Follows every change of a pod in the same turn. */
export class NodeGraph {
  readonly #nodes = new Map<string, References>();
  readonly #reader: ObjectReader;
  readonly #unsubscribe: () => void;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
    for (const pod of reader.list(POD, '')) {
      this.#count(pod, 1);
    }
    this.#unsubscribe = reader.onChange(POD, ({ object, previous }) => {
      if (previous !== undefined) {
        this.#count(previous, -1);
      }
      if (object !== undefined) {
        this.#count(object, 1);
      }
    });
  }

  /** Stops following changes. */
  close(): void {
    this.#unsubscribe();
  }

  /** True when a pod on the node refers to the object. */
  isReferenced(node: string, kind: ReferenceKind, namespace: string, name: string): boolean {
    return this.#nodes.get(node)?.has(`${kind}/${namespace}/${name}`) ?? false;
  }

  /** True when a claim of a pod on the node is bound to the volume. */
  usesVolume(node: string, volumeName: string): boolean {
    for (const reference of this.#nodes.get(node)?.keys() ?? []) {
      const [kind, namespace = '', name = ''] = reference.split('/');
      if (
        kind === 'pvc' &&
        this.#reader.get(PERSISTENT_VOLUME_CLAIM, namespace, name)?.spec.volumeName === volumeName
      ) {
        return true;
      }
    }
    return false;
  }

  isAttached(node: string, attachment: string): boolean {
    return this.#reader.get(VOLUME_ATTACHMENT, '', attachment)?.spec.nodeName === node;
  }

  #count(pod: Pod, by: 1 | -1): void {
    const node = pod.spec.nodeName ?? '';
    // A mirror pod is the node's own word; it must not open anything to it.
    if (node === '' || pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
      return;
    }
    const references = this.#nodes.getOrInsertComputed(node, () => new Map<string, number>());
    for (const reference of referencesOf(pod)) {
      const left = (references.get(reference) ?? 0) + by;
      if (left <= 0) {
        references.delete(reference);
      } else {
        references.set(reference, left);
      }
    }
    if (references.size === 0) {
      this.#nodes.delete(node);
    }
  }
}

/** Everything a pod's node may read because of it. */
export function referencesOf(pod: Pod): ReadonlySet<string> {
  const { namespace } = pod.metadata;
  const found = new Set<string>();
  const add = (kind: ReferenceKind, name: string | undefined): void => {
    if (name !== undefined && name !== '') {
      found.add(`${kind}/${namespace}/${name}`);
    }
  };
  const { spec } = pod;
  add('serviceaccount', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) {
    add('secret', name);
  }
  addContainerReferences(spec, add);
  for (const volume of spec.volumes ?? []) {
    addVolumeReferences(volume, pod.metadata.name, add);
  }
  for (const claim of spec.resourceClaims ?? []) {
    const made = pod.status.resourceClaimStatuses?.find(({ name }) => name === claim.name);
    add('resourceclaim', claim.resourceClaimName ?? made?.resourceClaimName);
  }
  return found;
}

type Add = (kind: ReferenceKind, name: string | undefined) => void;

function addContainerReferences(spec: PodSpec, add: Add): void {
  const containers = [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      add('secret', valueFrom?.secretKeyRef?.name);
      add('configmap', valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom) {
      add('secret', secretRef?.name);
      add('configmap', configMapRef?.name);
    }
  }
}

function addVolumeReferences(volume: Volume, podName: string, add: Add): void {
  add('secret', volume.secret?.secretName);
  add('configmap', volume.configMap?.name);
  add('pvc', volume.persistentVolumeClaim?.claimName);
  add('pvc', volume.ephemeral === undefined ? undefined : `${podName}-${volume.name}`);
  add('secret', volume.csi?.nodePublishSecretRef?.name);
  add('secret', volume.azureFile?.secretName);
  add('secret', volume.cephfs?.secretRef?.name);
  add('secret', volume.cinder?.secretRef?.name);
  add('secret', volume.flexVolume?.secretRef?.name);
  add('secret', volume.iscsi?.secretRef?.name);
  add('secret', volume.rbd?.secretRef?.name);
  add('secret', volume.scaleIO?.secretRef?.name);
  add('secret', volume.storageos?.secretRef?.name);
  for (const source of volume.projected?.sources ?? []) {
    add('secret', source.secret?.name);
    add('configmap', source.configMap?.name);
  }
}
