import type { PersistentVolume, PersistentVolumeClaim } from '#api/types/core.v1.ts';
import type {
  CSIDriver,
  CSINode,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '#api/types/storage.v1.ts';
import { AGE, printer, UNSET } from './printer.ts';

const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modesText(modes: readonly string[] | undefined): string {
  return [...new Set(modes ?? [])].map((mode) => SHORT_MODES[mode] ?? mode).join(',');
}

export const VOLUME_PRINTER = printer<PersistentVolume>([
  { name: 'Capacity', cell: ({ spec }) => spec.capacity?.['storage'] ?? '' },
  { name: 'Access Modes', cell: ({ spec }) => modesText(spec.accessModes) },
  { name: 'Reclaim Policy', cell: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '' },
  {
    name: 'Status',
    cell: ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
  },
  {
    name: 'Claim',
    cell: ({ spec: { claimRef } }) =>
      claimRef === undefined ? '' : `${claimRef.namespace}/${claimRef.name}`,
  },
  { name: 'StorageClass', cell: ({ spec }) => spec.storageClassName ?? '' },
  { name: 'VolumeAttributesClass', cell: ({ spec }) => spec.volumeAttributesClassName ?? UNSET },
  { name: 'Reason', cell: ({ status }) => status.reason ?? '' },
  AGE,
  { name: 'VolumeMode', isWide: true, cell: ({ spec }) => spec.volumeMode ?? UNSET },
]);

export const CLAIM_PRINTER = printer<PersistentVolumeClaim>([
  {
    name: 'Status',
    cell: ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
  },
  { name: 'Volume', cell: ({ spec }) => spec.volumeName ?? '' },
  {
    name: 'Capacity',
    cell: ({ spec, status }) => ((spec.volumeName ?? '') === '' ? '' : (status.capacity?.['storage'] ?? '')),
  },
  {
    name: 'Access Modes',
    cell: ({ spec, status }) => ((spec.volumeName ?? '') === '' ? '' : modesText(status.accessModes)),
  },
  { name: 'StorageClass', cell: ({ spec }) => spec.storageClassName ?? '' },
  { name: 'VolumeAttributesClass', cell: ({ spec }) => spec.volumeAttributesClassName ?? UNSET },
  AGE,
  { name: 'VolumeMode', isWide: true, cell: ({ spec }) => spec.volumeMode ?? UNSET },
]);

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

const STORAGE_CLASS_BASE = printer<StorageClass>([
  { name: 'Provisioner', cell: ({ provisioner }) => provisioner },
  { name: 'ReclaimPolicy', cell: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete' },
  { name: 'VolumeBindingMode', cell: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate' },
  { name: 'AllowVolumeExpansion', cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false },
  AGE,
]);

/** The default class carries a mark behind its name. */
export const STORAGE_CLASS_PRINTER: typeof STORAGE_CLASS_BASE = {
  ...STORAGE_CLASS_BASE,
  cells: (object, nowMs) => {
    const [name, ...rest] = STORAGE_CLASS_BASE.cells(object, nowMs);
    return [
      object.metadata.annotations?.[DEFAULT_CLASS] === 'true' ? `${String(name)} (default)` : name,
      ...rest,
    ];
  },
};

export const CSI_DRIVER_PRINTER = printer<CSIDriver>([
  { name: 'AttachRequired', type: 'boolean', cell: ({ spec }) => spec.attachRequired ?? true },
  { name: 'PodInfoOnMount', type: 'boolean', cell: ({ spec }) => spec.podInfoOnMount ?? false },
  { name: 'StorageCapacity', type: 'boolean', cell: ({ spec }) => spec.storageCapacity ?? false },
  {
    name: 'TokenRequests',
    cell: ({ spec }) => (spec.tokenRequests ?? []).map(({ audience }) => audience).join(',') || UNSET,
  },
  { name: 'RequiresRepublish', type: 'boolean', cell: ({ spec }) => spec.requiresRepublish ?? false },
  { name: 'Modes', cell: ({ spec }) => (spec.volumeLifecycleModes ?? ['Persistent']).join(',') },
  AGE,
]);

export const CSI_NODE_PRINTER = printer<CSINode>([
  { name: 'Drivers', type: 'integer', cell: ({ spec }) => (spec.drivers ?? []).length },
  AGE,
]);

export const ATTACHMENT_PRINTER = printer<VolumeAttachment>([
  { name: 'Attacher', cell: ({ spec }) => spec.attacher },
  { name: 'PV', cell: ({ spec }) => spec.source.persistentVolumeName ?? '' },
  { name: 'Node', cell: ({ spec }) => spec.nodeName },
  { name: 'Attached', type: 'boolean', cell: ({ status }) => status.attached },
  AGE,
]);

export const ATTRIBUTES_CLASS_PRINTER = printer<VolumeAttributesClass>([
  { name: 'DriverName', cell: ({ driverName }) => driverName },
  AGE,
]);
