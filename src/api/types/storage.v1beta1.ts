// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as coreV1 from './core.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export interface StorageClass {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'StorageClass';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly provisioner: string;
  readonly parameters?: { readonly [key: string]: string };
  readonly reclaimPolicy?: coreV1.PersistentVolumeReclaimPolicy;
  readonly mountOptions?: readonly string[];
  readonly allowVolumeExpansion?: boolean;
  readonly volumeBindingMode?: VolumeBindingMode;
  readonly allowedTopologies?: readonly coreV1.TopologySelectorTerm[];
}

export interface StorageClassList {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'StorageClassList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly StorageClass[] | null;
}

export type VolumeBindingMode = string;

export interface VolumeAttachment {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'VolumeAttachment';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: VolumeAttachmentSpec;
  readonly status: VolumeAttachmentStatus;
}

export interface VolumeAttachmentList {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'VolumeAttachmentList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly VolumeAttachment[] | null;
}

export interface VolumeAttachmentSpec {
  readonly attacher: string;
  readonly source: VolumeAttachmentSource;
  readonly nodeName: string;
}

export interface VolumeAttachmentSource {
  readonly persistentVolumeName?: string;
  readonly inlineVolumeSpec?: coreV1.PersistentVolumeSpec;
}

export interface VolumeAttachmentStatus {
  readonly attached: boolean;
  readonly attachmentMetadata?: { readonly [key: string]: string };
  readonly attachError?: VolumeError;
  readonly detachError?: VolumeError;
}

export interface VolumeError {
  readonly time?: string;
  readonly message?: string;
  readonly errorCode?: number;
}

export interface CSIDriver {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'CSIDriver';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: CSIDriverSpec;
}

export interface CSIDriverList {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'CSIDriverList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly CSIDriver[] | null;
}

export interface CSIDriverSpec {
  readonly attachRequired?: boolean;
  readonly podInfoOnMount?: boolean;
  readonly volumeLifecycleModes?: readonly VolumeLifecycleMode[];
  readonly storageCapacity?: boolean;
  readonly fsGroupPolicy?: FSGroupPolicy;
  readonly tokenRequests?: readonly TokenRequest[];
  readonly requiresRepublish?: boolean;
  readonly seLinuxMount?: boolean;
  readonly nodeAllocatableUpdatePeriodSeconds?: number;
  readonly serviceAccountTokenInSecrets?: boolean;
  readonly preventPodSchedulingIfMissing?: boolean;
}

export type FSGroupPolicy = string;

export type VolumeLifecycleMode = string;

export interface TokenRequest {
  readonly audience: string;
  readonly expirationSeconds?: number;
}

export interface CSINode {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'CSINode';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: CSINodeSpec;
}

export interface CSINodeSpec {
  readonly drivers?: readonly CSINodeDriver[] | null;
}

export interface CSINodeDriver {
  readonly name: string;
  readonly nodeID: string;
  readonly topologyKeys?: readonly string[] | null;
  readonly allocatable?: VolumeNodeResources;
}

export interface VolumeNodeResources {
  readonly count?: number;
}

export interface CSINodeList {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'CSINodeList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly CSINode[] | null;
}

export interface CSIStorageCapacity {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'CSIStorageCapacity';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly nodeTopology?: metaV1.LabelSelector;
  readonly storageClassName: string;
  readonly capacity?: string;
  readonly maximumVolumeSize?: string;
}

export interface CSIStorageCapacityList {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'CSIStorageCapacityList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly CSIStorageCapacity[] | null;
}

export interface VolumeAttributesClass {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'VolumeAttributesClass';
  readonly metadata: metaV1.ObjectMeta;
  readonly driverName: string;
  readonly parameters?: { readonly [key: string]: string };
}

export interface VolumeAttributesClassList {
  readonly apiVersion: 'storage.k8s.io/v1beta1';
  readonly kind: 'VolumeAttributesClassList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly VolumeAttributesClass[];
}
