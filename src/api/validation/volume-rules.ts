import { parseQuantity } from '../quantity.ts';
import { configKeyProblems, dnsLabelProblems } from '../names.ts';
import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from '../types/core.v1.ts';
import { checkResourceFieldRef, checkVolumeFieldRef } from './env-rules.ts';
import { checkFileMode, checkNoBacksteps, checkVolumeFilePath } from './path-rules.ts';
import type { Problems } from './problems.ts';

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
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

export function checkVolumes(problems: Problems, path: string, volumes: readonly Volume[] | undefined): void {
  const names = new Set<string>();
  for (const [index, volume] of (volumes ?? []).entries()) {
    const at = `${path}[${index}]`;
    checkSource(problems, at, volume);
    problems.requiredName(`${at}.name`, volume.name, dnsLabelProblems);
    if (names.has(volume.name)) {
      problems.duplicate(`${at}.name`, volume.name);
    }
    names.add(volume.name);
  }
}

function checkSource(problems: Problems, path: string, volume: Volume): void {
  const [first, ...others] = Object.keys(volume).filter((key) => key !== 'name');
  if (first === undefined) {
    problems.required(path, 'must specify a volume type');
    return;
  }
  for (const other of others) {
    problems.forbidden(`${path}.${other}`, 'may not specify more than 1 volume type');
  }
  checkFileSources(problems, path, volume);
  const { hostPath, emptyDir, persistentVolumeClaim, nfs, csi, ephemeral, projected } = volume;
  if (hostPath !== undefined) {
    checkHostPath(problems, `${path}.hostPath`, hostPath.path, hostPath.type);
  }
  if (emptyDir?.sizeLimit !== undefined && parseQuantity(emptyDir.sizeLimit).nanos < 0n) {
    problems.forbidden(`${path}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
  }
  if (persistentVolumeClaim?.claimName === '') {
    problems.required(`${path}.persistentVolumeClaim.claimName`);
  }
  if (nfs !== undefined) {
    for (const field of ['server', 'path'] as const) {
      if (nfs[field] === '') {
        problems.required(`${path}.nfs.${field}`);
      }
    }
    if (nfs.path !== '' && !nfs.path.startsWith('/')) {
      problems.invalid(`${path}.nfs.path`, nfs.path, 'must be an absolute path');
    }
  }
  if (csi?.driver === '') {
    problems.required(`${path}.csi.driver`);
  }
  if (ephemeral !== undefined && ephemeral.volumeClaimTemplate === undefined) {
    problems.required(`${path}.ephemeral.volumeClaimTemplate`);
  }
  for (const [index, source] of (projected?.sources ?? []).entries()) {
    checkProjection(problems, `${path}.projected.sources[${index}]`, source);
  }
  checkFileMode(problems, `${path}.projected.defaultMode`, projected?.defaultMode);
}

function checkHostPath(problems: Problems, path: string, target: string, type: string | undefined): void {
  if (target === '') {
    problems.required(`${path}.path`);
    return;
  }
  checkNoBacksteps(problems, `${path}.path`, target);
  problems.oneOf(`${path}.type`, type ?? '', HOST_PATH_TYPES);
}

function checkFileSources(
  problems: Problems,
  path: string,
  { secret, configMap, downwardAPI }: Volume,
): void {
  if (secret !== undefined) {
    if (secret.secretName === undefined || secret.secretName === '') {
      problems.required(`${path}.secret.secretName`);
    }
    checkFileMode(problems, `${path}.secret.defaultMode`, secret.defaultMode);
    checkItems(problems, `${path}.secret.items`, secret.items);
  }
  if (configMap !== undefined) {
    if (configMap.name === undefined || configMap.name === '') {
      problems.required(`${path}.configMap.name`);
    }
    checkFileMode(problems, `${path}.configMap.defaultMode`, configMap.defaultMode);
    checkItems(problems, `${path}.configMap.items`, configMap.items);
  }
  if (downwardAPI !== undefined) {
    checkFileMode(problems, `${path}.downwardAPI.defaultMode`, downwardAPI.defaultMode);
    checkFiles(problems, `${path}.downwardAPI`, downwardAPI.items);
  }
}

function checkItems(problems: Problems, path: string, items: readonly KeyToPath[] | undefined): void {
  for (const [index, { key, path: target, mode }] of (items ?? []).entries()) {
    const at = `${path}[${index}]`;
    problems.requiredName(`${at}.key`, key, configKeyProblems);
    checkVolumeFilePath(problems, `${at}.path`, target);
    checkFileMode(problems, `${at}.mode`, mode);
  }
}

function checkFiles(
  problems: Problems,
  path: string,
  files: readonly DownwardAPIVolumeFile[] | undefined,
): void {
  for (const { path: target, fieldRef, resourceFieldRef, mode } of files ?? []) {
    checkVolumeFilePath(problems, `${path}.path`, target);
    if (fieldRef !== undefined) {
      checkVolumeFieldRef(problems, `${path}.fieldRef`, fieldRef);
      if (resourceFieldRef !== undefined) {
        problems.invalid(
          path,
          'resource',
          'fieldRef and resourceFieldRef can not be specified simultaneously',
        );
      }
    } else if (resourceFieldRef !== undefined) {
      if (resourceFieldRef.containerName === undefined || resourceFieldRef.containerName === '') {
        problems.required(`${path}.resourceFieldRef.containerName`);
      } else {
        checkResourceFieldRef(problems, `${path}.resourceFieldRef`, resourceFieldRef);
      }
    } else {
      problems.required(path, 'one of fieldRef and resourceFieldRef is required');
    }
    checkFileMode(problems, `${path}.mode`, mode);
  }
}

function checkProjection(problems: Problems, path: string, projection: VolumeProjection): void {
  const { secret, configMap, downwardAPI, serviceAccountToken } = projection;
  const [, ...others] = Object.keys(projection);
  for (const other of others) {
    problems.forbidden(`${path}.${other}`, 'may not specify more than 1 volume type per source');
  }
  for (const [kind, source] of Object.entries({ secret, configMap })) {
    if (source !== undefined) {
      if (source.name === undefined || source.name === '') {
        problems.required(`${path}.${kind}.name`);
      }
      checkItems(problems, `${path}.${kind}.items`, source.items);
    }
  }
  checkFiles(problems, `${path}.downwardAPI`, downwardAPI?.items);
  if (serviceAccountToken !== undefined) {
    const at = `${path}.serviceAccountToken`;
    const seconds = serviceAccountToken.expirationSeconds ?? TOKEN_SECONDS_MIN;
    if (seconds < TOKEN_SECONDS_MIN) {
      problems.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes');
    } else if (seconds > TOKEN_SECONDS_MAX) {
      problems.invalid(
        `${at}.expirationSeconds`,
        seconds,
        'may not specify a duration larger than 2^32 seconds',
      );
    }
    checkVolumeFilePath(problems, `${at}.path`, serviceAccountToken.path);
  }
}
