import type {
  DownwardAPIVolumeFile,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from '../types/core.v1.ts';
import { change, fill, mapItems, whenSet } from './fill.ts';
import { pullPolicyOf } from './pull-policy.ts';

/** rw-r--r-- */
const FILE_MODE = 0o644;
const TOKEN_SECONDS = 3600;

export function defaultVolume(volume: Volume): Volume {
  if (Object.keys(volume).length <= 1) {
    return { ...volume, emptyDir: {} };
  }
  return change(volume, {
    hostPath: whenSet(volume.hostPath, (source) => fill(source, { type: '' })),
    secret: whenSet(volume.secret, (source) => fill(source, { defaultMode: FILE_MODE })),
    configMap: whenSet(volume.configMap, (source) => fill(source, { defaultMode: FILE_MODE })),
    downwardAPI: whenSet(volume.downwardAPI, (source) =>
      change(fill(source, { defaultMode: FILE_MODE }), { items: mapItems(source.items, defaultFile) }),
    ),
    projected: whenSet(volume.projected, defaultProjected),
    ephemeral: whenSet(volume.ephemeral, (source) =>
      change(source, {
        volumeClaimTemplate: whenSet(source.volumeClaimTemplate, (template) =>
          change(template, { spec: defaultClaimSpec(template.spec) }),
        ),
      }),
    ),
    image: whenSet(volume.image, (source) =>
      fill(source, { pullPolicy: pullPolicyOf(source.reference ?? '') }),
    ),
    ...defaultLegacySources(volume),
  });
}

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  return fill(spec, { volumeMode: 'Filesystem' });
}

function defaultProjected(source: ProjectedVolumeSource): ProjectedVolumeSource {
  return change(fill(source, { defaultMode: FILE_MODE }), {
    sources: mapItems(source.sources, defaultProjection),
  });
}

function defaultProjection(projection: VolumeProjection): VolumeProjection {
  return change(projection, {
    serviceAccountToken: whenSet(projection.serviceAccountToken, (token) =>
      fill(token, { expirationSeconds: TOKEN_SECONDS }),
    ),
    downwardAPI: whenSet(projection.downwardAPI, (source) =>
      change(source, { items: mapItems(source.items, defaultFile) }),
    ),
  });
}

function defaultFile(file: DownwardAPIVolumeFile): DownwardAPIVolumeFile {
  return change(file, { fieldRef: whenSet(file.fieldRef, (ref) => fill(ref, { apiVersion: 'v1' })) });
}

/** What the sources of a persistent volume leave out. */
export function defaultVolumeSources(spec: PersistentVolumeSpec): Partial<PersistentVolumeSpec> {
  const { hostPath } = spec;
  return {
    ...(hostPath === undefined ? {} : { hostPath: fill(hostPath, { type: '' }) }),
    ...defaultLegacySources(spec),
  };
}

type LegacySources = Pick<Volume | PersistentVolumeSpec, 'iscsi' | 'rbd' | 'azureDisk' | 'scaleIO'>;

/** Volumes of plugins that are long out of the tree keep their defaults. */
function defaultLegacySources(sources: LegacySources): LegacySources {
  const { iscsi, rbd, azureDisk, scaleIO } = sources;
  return {
    ...(iscsi === undefined ? {} : { iscsi: fill(iscsi, { iscsiInterface: 'default' }) }),
    ...(rbd === undefined
      ? {}
      : { rbd: fill(rbd, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }) }),
    ...(azureDisk === undefined
      ? {}
      : {
          azureDisk: fill(azureDisk, {
            cachingMode: 'ReadWrite',
            fsType: 'ext4',
            readOnly: false,
            kind: 'Shared',
          }),
        }),
    ...(scaleIO === undefined
      ? {}
      : { scaleIO: fill(scaleIO, { storageMode: 'ThinProvisioned', fsType: 'xfs' }) }),
  };
}
