import { parseQuantity } from '../quantity.ts';
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts';
import type {
  ConfigMapVolumeSource,
  CSIVolumeSource,
  EmptyDirVolumeSource,
  EphemeralVolumeSource,
  ImageVolumeSource,
  LocalObjectReference,
  SecretVolumeSource,
  Volume,
} from '../types/core.v1.ts';
import { checkClaimSpec } from './claim-rules.ts';
import { checkTemplateMeta } from './object-meta.ts';
import { checkDescendingPath, checkFileMode } from './path-rules.ts';
import type { Problems } from './problems.ts';
import { checkDownwardFile, checkItems, checkProjected } from './projection-rules.ts';
import * as source from './volume-source-rules.ts';

const ONE_TYPE = 'may not specify more than 1 volume type';
export const PULL_POLICIES: readonly string[] = ['Always', 'IfNotPresent', 'Never'];

export interface VolumeContext {
  /** Of the pod itself; undefined in a template. */
  readonly podName: string | undefined;
}

/** Returns the good volumes by name: what containers may mount. */
export function checkVolumes(
  problems: Problems,
  path: string,
  volumes: readonly Volume[] | undefined,
  context: VolumeContext,
): ReadonlyMap<string, Volume> {
  const good = new Map<string, Volume>();
  if (volumes === undefined) {
    return good;
  }
  const { podName } = context;
  for (const [index, volume] of volumes.entries()) {
    const at = `${path}[${index}]`;
    const before = problems.found.length;
    checkSource(problems, at, volume, context);
    problems.requiredName(`${at}.name`, volume.name, dnsLabelProblems);
    if (good.has(volume.name)) {
      problems.duplicate(`${at}.name`, volume.name);
    }
    if (problems.found.length === before) {
      good.set(volume.name, volume);
    }
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && podName !== undefined && isMadeHere(volumes, claim, podName)) {
      problems.invalid(
        `${at}.persistentVolumeClaim.claimName`,
        claim,
        'must not reference a PVC that gets created for an ephemeral volume',
      );
    }
  }
  return good;
}

function isMadeHere(volumes: readonly Volume[], claim: string, podName: string): boolean {
  return volumes.some(({ name, ephemeral }) => ephemeral !== undefined && `${podName}-${name}` === claim);
}

type Source = keyof Omit<Volume, 'name'>;

/** The order in which a volume's types are looked at; all after the first are one too many. */
const ORDER: readonly Source[] = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
];
/** Where upstream's path is not the field's name. */
const REFUSED_AS: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

function checkSource(problems: Problems, path: string, volume: Volume, context: VolumeContext): void {
  const fields = Object.keys(volume);
  // Nearly every volume is a name and one type.
  const [first, ...others] =
    fields.length === 2
      ? fields.filter((field) => field !== 'name')
      : ORDER.filter((field) => volume[field] !== undefined);
  if (first === undefined) {
    problems.required(path, 'must specify a volume type');
    return;
  }
  const only = others.length === 0 ? volume : { name: volume.name, [first]: volume[first as Source] };
  if (!checkUsual(problems, path, only)) {
    checkRare(problems, path, only, first);
  }
  if (first === 'iscsi') {
    checkIscsi(problems, path, only);
  } else if (first === 'ephemeral') {
    checkEphemeral(problems, path, only, context);
  } else if (first === 'image') {
    checkImage(problems, `${path}.image`, only.image ?? {}, context);
  }
  for (const other of others) {
    problems.forbidden(`${path}.${REFUSED_AS[other] ?? other}`, ONE_TYPE);
  }
}

/** Returns false when the volume is of another type. */
function checkUsual(problems: Problems, path: string, volume: Volume): boolean {
  const { emptyDir, hostPath, secret, configMap, nfs, persistentVolumeClaim, downwardAPI, projected, csi } =
    volume;
  if (emptyDir !== undefined) {
    checkEmptyDir(problems, `${path}.emptyDir`, emptyDir);
  } else if (hostPath !== undefined) {
    source.checkHostPath(problems, `${path}.hostPath`, hostPath);
  } else if (secret !== undefined) {
    checkFiles(problems, `${path}.secret`, ['secretName', secret.secretName], secret);
  } else if (configMap !== undefined) {
    checkFiles(problems, `${path}.configMap`, ['name', configMap.name], configMap);
  } else if (nfs !== undefined) {
    source.checkNfs(problems, `${path}.nfs`, nfs);
  } else if (persistentVolumeClaim !== undefined) {
    problems.requiredText(`${path}.persistentVolumeClaim.claimName`, persistentVolumeClaim.claimName);
  } else if (downwardAPI !== undefined) {
    checkFileMode(problems, `${path}.downwardAPI.defaultMode`, downwardAPI.defaultMode);
    for (const file of downwardAPI.items ?? []) {
      checkDownwardFile(problems, `${path}.downwardAPI`, file);
    }
  } else if (projected !== undefined) {
    checkProjected(problems, `${path}.projected`, projected);
  } else if (csi !== undefined) {
    checkCsi(problems, `${path}.csi`, csi);
  } else {
    return false;
  }
  return true;
}

function checkEmptyDir(problems: Problems, path: string, { sizeLimit }: EmptyDirVolumeSource): void {
  if (sizeLimit !== undefined && parseQuantity(sizeLimit).nanos < 0n) {
    problems.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
  }
}

function checkFiles(
  problems: Problems,
  path: string,
  [field, name]: readonly [string, string | undefined],
  { defaultMode, items }: Pick<SecretVolumeSource | ConfigMapVolumeSource, 'defaultMode' | 'items'>,
): void {
  problems.requiredText(`${path}.${field}`, name);
  checkFileMode(problems, `${path}.defaultMode`, defaultMode);
  checkItems(problems, `${path}.items`, items);
}

function checkCsi(problems: Problems, path: string, { driver, nodePublishSecretRef }: CSIVolumeSource): void {
  source.checkCsiDriverName(problems, `${path}.driver`, driver);
  if (nodePublishSecretRef !== undefined) {
    const { name = '' } = nodePublishSecretRef;
    if (name === '') {
      problems.required(`${path}.nodePublishSecretRef.name`);
    } else {
      problems.names(`${path}.name`, name, dnsSubdomainProblems(name));
    }
  }
}

/** Types whose drivers are long out of the tree; their objects are still checked. */
function checkRare(problems: Problems, path: string, v: Volume, first: string): void {
  const at = `${path}.${first}`;
  if (v.gitRepo !== undefined) {
    problems.requiredText(`${at}.repository`, v.gitRepo.repository);
    checkDescendingPath(problems, `${at}.directory`, v.gitRepo.directory ?? '');
  } else if (v.gcePersistentDisk !== undefined) {
    const { pdName, partition } = v.gcePersistentDisk;
    source.checkDisk(problems, `${path}.persistentDisk`, ['pdName', pdName, partition]);
  } else if (v.awsElasticBlockStore !== undefined) {
    const { volumeID, partition } = v.awsElasticBlockStore;
    source.checkDisk(problems, at, ['volumeID', volumeID, partition]);
  } else if (v.glusterfs !== undefined) {
    const { endpoints, path: target } = v.glusterfs;
    source.checkTexts(problems, at, { endpoints, path: target });
  } else if (v.flocker !== undefined) {
    source.checkFlocker(problems, at, v.flocker);
  } else if (v.rbd !== undefined) {
    source.checkMonitors(problems, at, v.rbd.monitors);
    source.checkTexts(problems, at, { image: v.rbd.image });
  } else if (v.cinder !== undefined) {
    source.checkTexts(problems, at, { volumeID: v.cinder.volumeID });
    checkSecretRef(problems, at, v.cinder.secretRef);
  } else if (v.cephfs !== undefined) {
    source.checkMonitors(problems, at, v.cephfs.monitors);
  } else if (v.quobyte !== undefined) {
    source.checkQuobyte(problems, at, v.quobyte);
  } else if (v.fc !== undefined) {
    source.checkFibreChannel(problems, at, v.fc);
  } else if (v.flexVolume !== undefined) {
    source.checkFlex(problems, at, v.flexVolume);
  } else {
    checkRarer(problems, at, v);
  }
}

function checkRarer(problems: Problems, at: string, v: Volume): void {
  if (v.azureFile !== undefined) {
    const { secretName, shareName } = v.azureFile;
    source.checkTexts(problems, at, { secretName, shareName });
  } else if (v.vsphereVolume !== undefined) {
    source.checkTexts(problems, at, { volumePath: v.vsphereVolume.volumePath });
  } else if (v.photonPersistentDisk !== undefined) {
    source.checkTexts(problems, at, { pdID: v.photonPersistentDisk.pdID });
  } else if (v.portworxVolume !== undefined) {
    source.checkTexts(problems, at, { volumeID: v.portworxVolume.volumeID });
  } else if (v.azureDisk !== undefined) {
    source.checkAzureDisk(problems, at, v.azureDisk);
  } else if (v.storageos !== undefined) {
    source.checkStorageOs(problems, at, v.storageos);
    checkSecretRef(problems, at, v.storageos.secretRef);
  } else if (v.scaleIO !== undefined) {
    const { gateway, system, volumeName } = v.scaleIO;
    source.checkTexts(problems, at, { gateway, system, volumeName });
  }
}

function checkSecretRef(problems: Problems, path: string, ref: LocalObjectReference | undefined): void {
  if (ref !== undefined) {
    problems.requiredText(`${path}.secretRef.name`, ref.name);
  }
}

function checkIscsi(problems: Problems, path: string, { name, iscsi }: Volume): void {
  if (iscsi === undefined) {
    return;
  }
  problems.requiredText(`${path}.iscsi.targetPortal`, iscsi.targetPortal);
  source.checkIscsi(problems, `${path}.iscsi`, iscsi, 'must be valid format starting with iqn, eui, or naa');
  if (iscsi.initiatorName !== undefined && `${name}:${iscsi.targetPortal}`.length > 64) {
    problems.invalid(`${path}.name`, name, source.ISCSI_TOO_LONG);
  }
}

function checkEphemeral(
  problems: Problems,
  path: string,
  { name, ephemeral }: Volume,
  { podName }: VolumeContext,
): void {
  const template: EphemeralVolumeSource['volumeClaimTemplate'] = ephemeral?.volumeClaimTemplate;
  const at = `${path}.ephemeral.volumeClaimTemplate`;
  if (template === undefined) {
    problems.required(at);
  } else {
    checkTemplateMeta(problems, `${at}.metadata`, template.metadata);
    checkClaimSpec(problems, `${at}.spec`, template.spec);
  }
  if (podName !== undefined && name !== '') {
    const claim = `${podName}-${name}`;
    for (const problem of dnsSubdomainProblems(claim)) {
      problems.invalid(`${path}.name`, name, `PVC name ${JSON.stringify(claim)}: ${problem}`);
    }
  }
}

function checkImage(
  problems: Problems,
  path: string,
  { reference, pullPolicy }: ImageVolumeSource,
  { podName }: VolumeContext,
): void {
  if (podName !== undefined) {
    problems.requiredText(`${path}.reference`, reference);
  }
  problems.requiredOneOf(`${path}.pullPolicy`, pullPolicy, PULL_POLICIES);
}
