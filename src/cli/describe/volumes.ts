import { listAt, recordAt, textAt, valueAt } from '../object-access.ts';
import type { DescriptionWriter } from './description-writer.ts';

interface VolumeKind {
  /** The field of the volume that says it is of this kind. */
  readonly field: string;
  readonly title: string;
  /** Printed name, field, and what stands for a value that is not there. */
  readonly details: readonly (readonly [string, string, string])[];
}

const KINDS: readonly VolumeKind[] = [
  {
    field: 'hostPath',
    title: 'HostPath (bare host directory volume)',
    details: [
      ['Path', 'path', ''],
      ['HostPathType', 'type', ''],
    ],
  },
  {
    field: 'emptyDir',
    title: "EmptyDir (a temporary directory that shares a pod's lifetime)",
    details: [
      ['Medium', 'medium', ''],
      ['SizeLimit', 'sizeLimit', '<unset>'],
    ],
  },
  {
    field: 'secret',
    title: 'Secret (a volume populated by a Secret)',
    details: [
      ['SecretName', 'secretName', ''],
      ['Optional', 'optional', 'false'],
    ],
  },
  {
    field: 'configMap',
    title: 'ConfigMap (a volume populated by a ConfigMap)',
    details: [
      ['Name', 'name', ''],
      ['Optional', 'optional', 'false'],
    ],
  },
  {
    field: 'nfs',
    title: 'NFS (an NFS mount that lasts the lifetime of a pod)',
    details: [
      ['Server', 'server', ''],
      ['Path', 'path', ''],
      ['ReadOnly', 'readOnly', 'false'],
    ],
  },
  {
    field: 'persistentVolumeClaim',
    title: 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
    details: [
      ['ClaimName', 'claimName', ''],
      ['ReadOnly', 'readOnly', 'false'],
    ],
  },
  {
    field: 'csi',
    title: 'CSI (a Container Storage Interface (CSI) volume source)',
    details: [
      ['Driver', 'driver', ''],
      ['FSType', 'fsType', ''],
      ['ReadOnly', 'readOnly', 'false'],
    ],
  },
  {
    field: 'image',
    title: 'Image (a container image or OCI artifact)',
    details: [
      ['Reference', 'reference', ''],
      ['PullPolicy', 'pullPolicy', ''],
    ],
  },
];

export function writeVolumes(writer: DescriptionWriter, volumes: readonly unknown[], indent = ''): void {
  if (volumes.length === 0) {
    writer.line(0, `${indent}Volumes:\t<none>`);
    return;
  }
  writer.line(0, `${indent}Volumes:`);
  for (const volume of volumes) {
    writer.line(1, `${indent === '' ? '' : ' '}${textAt(volume, 'name')}:`);
    writeVolume(writer, volume);
  }
}

function writeVolume(writer: DescriptionWriter, volume: unknown): void {
  const projected = valueAt(volume, 'projected');
  const downward = valueAt(volume, 'downwardAPI');
  const kind = KINDS.find(({ field }) => valueAt(volume, field) !== undefined);
  if (kind !== undefined) {
    writer.field(2, 'Type', kind.title);
    for (const [name, field, missing] of kind.details) {
      writer.field(2, name, textAt(volume, kind.field, field) || missing);
    }
  } else if (projected !== undefined) {
    writeProjected(writer, projected);
  } else if (downward !== undefined) {
    writer.field(2, 'Type', 'DownwardAPI (a volume populated by information about the pod)');
    writer.line(2, 'Items:');
    for (const item of listAt(downward, 'items')) {
      const from = textAt(item, 'fieldRef', 'fieldPath') || textAt(item, 'resourceFieldRef', 'resource');
      writer.line(3, `${from} -> ${textAt(item, 'path')}`);
    }
  } else if (valueAt(volume, 'ephemeral') !== undefined) {
    writeEphemeral(writer, recordAt(volume, 'ephemeral', 'volumeClaimTemplate'));
  } else {
    writer.line(2, '<unknown>');
  }
}

function writeProjected(writer: DescriptionWriter, projected: unknown): void {
  writer.field(2, 'Type', 'Projected (a volume that contains injected data from multiple sources)');
  for (const source of listAt(projected, 'sources')) {
    const { secret, configMap, downwardAPI, serviceAccountToken } = recordAt(source);
    if (secret !== undefined) {
      writer.field(2, 'SecretName', textAt(secret, 'name'));
      writer.field(2, 'Optional', textAt(secret, 'optional') || 'false');
    } else if (downwardAPI !== undefined) {
      writer.field(2, 'DownwardAPI', 'true');
    } else if (configMap !== undefined) {
      writer.field(2, 'ConfigMapName', textAt(configMap, 'name'));
      writer.field(2, 'Optional', textAt(configMap, 'optional') || 'false');
    } else if (serviceAccountToken !== undefined) {
      writer.field(2, 'TokenExpirationSeconds', textAt(serviceAccountToken, 'expirationSeconds'));
    }
  }
}

function writeEphemeral(writer: DescriptionWriter, template: unknown): void {
  writer.field(
    2,
    'Type',
    'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)',
  );
  writer.field(2, 'StorageClass', textAt(template, 'spec', 'storageClassName'));
  writer.field(2, 'Volume', '');
  writer.field(2, 'Capacity', '');
  writer.field(2, 'Access Modes', '');
  writer.field(2, 'VolumeMode', textAt(template, 'spec', 'volumeMode'));
}
