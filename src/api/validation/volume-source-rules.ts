import { isIP } from 'node:net';
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts';
import type {
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  NFSVolumeSource,
  QuobyteVolumeSource,
  StorageOSVolumeSource,
} from '../types/core.v1.ts';
import { checkNoBacksteps } from './path-rules.ts';
import type { Problems } from './problems.ts';

/** Volumes that a pod and a PersistentVolume describe in the same words. */

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const LUN_MAX = 255;
const DRIVER_NAME_MAX = 63;

export function checkHostPath(problems: Problems, path: string, source: HostPathVolumeSource): void {
  if (source.path === '') {
    problems.required(`${path}.path`);
    return;
  }
  checkNoBacksteps(problems, `${path}.path`, source.path);
  problems.oneOf(`${path}.type`, source.type ?? '', HOST_PATH_TYPES);
}

export function checkNfs(problems: Problems, path: string, source: NFSVolumeSource): void {
  problems.requiredText(`${path}.server`, source.server);
  problems.requiredText(`${path}.path`, source.path);
  if (!source.path.startsWith('/')) {
    problems.invalid(`${path}.path`, source.path, 'must be an absolute path');
  }
}

/** A disk of a cloud: an identifier, and a partition that fits one byte. */
export function checkDisk(
  problems: Problems,
  path: string,
  [field, id, partition]: readonly [field: string, id: string, partition: number | undefined],
): void {
  problems.requiredText(`${path}.${field}`, id);
  if (partition !== undefined && (partition < 0 || partition > 255)) {
    problems.invalid(`${path}.partition`, partition, 'must be between 1 and 255, inclusive');
  }
}

const INITIATORS: readonly (readonly [prefix: string, form: RegExp])[] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[A-Za-z0-9]{16}$/],
  ['naa', /^naa.[A-Za-z0-9]{32}$/],
];

type Iscsi = Omit<ISCSIVolumeSource, 'secretRef'> & { readonly secretRef?: { readonly name?: string } };

/** What a source of iSCSI must have; `prefixText` is the sentence about names of no known sort. */
export function checkIscsi(problems: Problems, path: string, source: Iscsi, prefixText: string): void {
  const { iqn, lun, secretRef, initiatorName } = source;
  if (iqn === '') {
    problems.required(`${path}.iqn`);
  } else {
    checkInitiator(problems, `${path}.iqn`, iqn, prefixText);
  }
  problems.upTo(`${path}.lun`, lun, LUN_MAX);
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && secretRef === undefined) {
    problems.required(`${path}.secretRef`);
  }
  if (initiatorName !== undefined) {
    checkInitiator(problems, `${path}.initiatorname`, initiatorName, prefixText);
  }
}

export const ISCSI_TOO_LONG =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

function checkInitiator(problems: Problems, path: string, name: string, prefixText: string): void {
  const known = INITIATORS.find(([prefix]) => name.startsWith(prefix));
  if (known === undefined) {
    problems.invalid(path, name, prefixText);
  } else if (!known[1].test(name)) {
    problems.invalid(path, name, 'must be valid format');
  }
}

export function checkFibreChannel(problems: Problems, path: string, source: FCVolumeSource): void {
  const { targetWWNs = [], wwids = [], lun } = source;
  if (targetWWNs.length === 0 && wwids.length === 0) {
    problems.required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both');
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    problems.invalid(
      `${path}.targetWWNs`,
      targetWWNs,
      'targetWWNs and wwids can not be specified simultaneously',
    );
  }
  if (targetWWNs.length > 0) {
    if (lun === undefined) {
      problems.required(`${path}.lun`, 'lun is required if targetWWNs is specified');
    }
    problems.upTo(`${path}.lun`, lun, LUN_MAX);
  }
}

const REGISTRY_TEXT = 'must be a host:port pair or multiple pairs separated by commas';

export function checkQuobyte(problems: Problems, path: string, source: QuobyteVolumeSource): void {
  const { registry, tenant = '', volume } = source;
  if (registry === '') {
    problems.required(`${path}.registry`, REGISTRY_TEXT);
  } else if (tenant.length >= 65) {
    problems.required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters');
  } else {
    for (const pair of registry.split(',')) {
      if (!isHostPort(pair)) {
        problems.invalid(`${path}.registry`, registry, REGISTRY_TEXT);
      }
    }
  }
  problems.requiredText(`${path}.volume`, volume);
}

function isHostPort(text: string): boolean {
  const [, bracketed, plain] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):[^:[\]]*$/.exec(text) ?? [];
  return plain !== undefined || (bracketed !== undefined && isIP(bracketed) !== 4);
}

export function checkFlocker(problems: Problems, path: string, source: FlockerVolumeSource): void {
  const { datasetName = '', datasetUUID = '' } = source;
  if (datasetName === '' && datasetUUID === '') {
    problems.required(path, 'one of datasetName and datasetUUID is required');
  }
  if (datasetName !== '' && datasetUUID !== '') {
    problems.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  }
  if (datasetName.includes('/')) {
    problems.invalid(`${path}.datasetName`, datasetName, "must not contain '/'");
  }
}

/** A driver of the old kind; options in Kubernetes' own name are the system's to give. */
export function checkFlex(
  problems: Problems,
  path: string,
  { driver, options }: { readonly driver: string; readonly options?: Readonly<Record<string, string>> },
): void {
  problems.requiredText(`${path}.driver`, driver);
  for (const key in options) {
    const owner = `.${(key.includes('/') ? key.slice(0, key.indexOf('/')) : key).toLowerCase()}`;
    if (owner.endsWith('.kubernetes.io') || owner.endsWith('.k8s.io')) {
      problems.invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved');
    }
  }
}

export function checkAzureDisk(problems: Problems, path: string, source: AzureDiskVolumeSource): void {
  const { diskName, diskURI, cachingMode, kind } = source;
  problems.requiredText(`${path}.diskName`, diskName);
  problems.requiredText(`${path}.diskURI`, diskURI);
  if (cachingMode !== undefined) {
    problems.oneOf(`${path}.cachingMode`, cachingMode, ['None', 'ReadOnly', 'ReadWrite']);
  }
  if (kind === undefined) {
    return;
  }
  problems.oneOf(`${path}.kind`, kind, ['Dedicated', 'Managed', 'Shared']);
  const [prefix, form] =
    kind === 'Managed'
      ? [
          '/subscriptions/',
          '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
        ]
      : ['https://', 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'];
  if (!diskURI.startsWith(prefix)) {
    problems.oneOf(`${path}.diskURI`, diskURI, [form]);
  }
}

type StorageOs = Omit<StorageOSVolumeSource, 'secretRef'>;

export function checkStorageOs(
  problems: Problems,
  path: string,
  { volumeName, volumeNamespace = '' }: StorageOs,
): void {
  problems.requiredName(`${path}.volumeName`, volumeName, dnsLabelProblems);
  if (volumeNamespace !== '') {
    problems.names(`${path}.volumeNamespace`, volumeNamespace, dnsLabelProblems(volumeNamespace));
  }
}

export function checkCsiDriverName(problems: Problems, path: string, name: string): void {
  problems.requiredText(path, name);
  if (name.length > DRIVER_NAME_MAX) {
    problems.tooLong(path, DRIVER_NAME_MAX);
  }
  problems.names(path, name, dnsSubdomainProblems(name.toLowerCase()));
}

/** Refuses each empty field, in the order given. */
export function checkTexts(
  problems: Problems,
  path: string,
  fields: Readonly<Record<string, string | undefined>>,
): void {
  for (const field in fields) {
    problems.requiredText(`${path}.${field}`, fields[field]);
  }
}

export function checkMonitors(
  problems: Problems,
  path: string,
  monitors: readonly string[] | undefined,
): void {
  if ((monitors ?? []).length === 0) {
    problems.required(`${path}.monitors`);
  }
}
