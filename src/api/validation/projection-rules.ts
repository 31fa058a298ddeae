import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../types/core.v1.ts';
import { checkVolumeFieldRef, checkVolumeResourceRef } from './env-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import { checkFileMode, checkVolumeFilePath } from './path-rules.ts';
import type { Problems } from './problems.ts';
import { checkSignerName, trustBundleNameProblems } from './signer-rules.ts';

const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const CERTIFICATE_SECONDS_MIN = 3600;
const CERTIFICATE_SECONDS_MAX = 91 * 86_400;
const KEY_TYPES = ['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA3072', 'RSA4096'];
const CONFLICT = 'conflicting duplicate paths';

export function checkItems(problems: Problems, path: string, items: readonly KeyToPath[] | undefined): void {
  for (const [index, { key, path: target, mode }] of (items ?? []).entries()) {
    const at = `${path}[${index}]`;
    problems.requiredText(`${at}.key`, key);
    checkVolumeFilePath(problems, `${at}.path`, target);
    checkFileMode(problems, `${at}.mode`, mode);
  }
}

/** Upstream's paths name the list here, not the entry. */
export function checkDownwardFile(problems: Problems, path: string, file: DownwardAPIVolumeFile): void {
  const { path: target, fieldRef, resourceFieldRef, mode } = file;
  checkVolumeFilePath(problems, `${path}.path`, target);
  if (fieldRef !== undefined) {
    checkVolumeFieldRef(problems, `${path}.fieldRef`, fieldRef);
    if (resourceFieldRef !== undefined) {
      problems.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    }
  } else if (resourceFieldRef !== undefined) {
    checkVolumeResourceRef(problems, `${path}.resourceFieldRef`, resourceFieldRef);
  } else {
    problems.required(path, 'one of fieldRef and resourceFieldRef is required');
  }
  checkFileMode(problems, `${path}.mode`, mode);
}

interface Projecting {
  /** Where the projected volume stands. */
  readonly path: string;
  /** Files that sources before this one have taken. */
  readonly taken: Set<string>;
}

export function checkProjected(problems: Problems, path: string, source: ProjectedVolumeSource): void {
  checkFileMode(problems, `${path}.defaultMode`, source.defaultMode);
  const projecting: Projecting = { path, taken: new Set() };
  for (const [index, projection] of (source.sources ?? []).entries()) {
    checkProjection(problems, `${path}.sources[${index}]`, projection, projecting);
  }
}

function checkProjection(
  problems: Problems,
  at: string,
  projection: VolumeProjection,
  projecting: Projecting,
): void {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } =
    projection;
  for (const [kind, source] of [
    ['secret', secret],
    ['configMap', configMap],
  ] as const) {
    if (source !== undefined) {
      problems.requiredText(`${at}.${kind}.name`, source.name);
      checkItems(problems, `${at}.${kind}.items`, source.items);
      for (const { path } of source.items ?? []) {
        take(problems, projecting, path, source.name ?? '');
      }
    }
  }
  for (const file of downwardAPI?.items ?? []) {
    checkDownwardFile(problems, `${at}.downwardAPI`, file);
    take(problems, projecting, file.path);
  }
  if (serviceAccountToken !== undefined) {
    checkToken(problems, `${at}.serviceAccountToken`, serviceAccountToken, projecting);
  }
  if (clusterTrustBundle !== undefined) {
    checkTrustBundle(problems, `${at}.clusterTrustBundle`, clusterTrustBundle);
    take(problems, projecting, clusterTrustBundle.path);
  }
  if (podCertificate !== undefined) {
    checkPodCertificate(problems, `${at}.podCertificate`, podCertificate, projecting);
  }
  if (Object.keys(projection).length > 1) {
    problems.forbidden(at, 'may not specify more than 1 volume type per source');
  }
}

function take(
  problems: Problems,
  { path, taken }: Projecting,
  target: string | undefined,
  badValue = target,
): void {
  if (target === undefined || target === '') {
    return;
  }
  if (taken.has(target)) {
    problems.invalid(path, badValue, CONFLICT);
  }
  taken.add(target);
}

function checkToken(
  problems: Problems,
  at: string,
  { expirationSeconds = TOKEN_SECONDS_MIN, path: target }: ServiceAccountTokenProjection,
  { path }: Projecting,
): void {
  if (expirationSeconds < TOKEN_SECONDS_MIN) {
    problems.invalid(
      `${at}.expirationSeconds`,
      expirationSeconds,
      'may not specify a duration less than 10 minutes',
    );
  }
  if (expirationSeconds > TOKEN_SECONDS_MAX) {
    problems.invalid(
      `${at}.expirationSeconds`,
      expirationSeconds,
      'may not specify a duration larger than 2^32 seconds',
    );
  }
  checkVolumeFilePath(problems, `${path}.path`, target);
}

function checkTrustBundle(problems: Problems, at: string, source: ClusterTrustBundleProjection): void {
  const { name, signerName, labelSelector, path } = source;
  if (name !== undefined && signerName !== undefined) {
    problems.invalid(at, source, 'only one of name and signerName may be used');
  } else if (name !== undefined) {
    problems.requiredText(`${at}.name`, name, 'must be a valid object name');
    for (const problem of trustBundleNameProblems(name, signerOfName(name))) {
      problems.invalid(`${at}.name`, name, `not a valid clustertrustbundlename: ${problem}`);
    }
    if (labelSelector !== undefined) {
      problems.invalid(
        `${at}.labelSelector`,
        labelSelector,
        'labelSelector must be unset if name is specified',
      );
    }
  } else if (signerName !== undefined) {
    problems.requiredText(`${at}.signerName`, signerName, 'must be a valid signer name');
    checkSignerName(problems, `${at}.signerName`, signerName);
    checkLabelSelector(problems, `${at}.labelSelector`, labelSelector);
  } else {
    problems.required(at, 'either name or signerName must be specified');
  }
  checkVolumeFilePath(problems, `${at}.path`, path);
}

/** The signer that the name of a bundle begins with; empty when it names none. */
function signerOfName(name: string): string {
  const end = name.lastIndexOf(':');
  return end < 0 ? '' : name.slice(0, end).replaceAll(':', '/');
}

function checkPodCertificate(
  problems: Problems,
  at: string,
  source: PodCertificateProjection,
  projecting: Projecting,
): void {
  const { keyType, maxExpirationSeconds, credentialBundlePath, keyPath, certificateChainPath } = source;
  checkSignerName(problems, `${at}.signerName`, source.signerName);
  problems.oneOf(`${at}.keyType`, keyType, KEY_TYPES);
  if (maxExpirationSeconds !== undefined) {
    if (maxExpirationSeconds < CERTIFICATE_SECONDS_MIN) {
      problems.invalid(
        `${at}.maxExpirationSeconds`,
        maxExpirationSeconds,
        `if provided, maxExpirationSeconds must be >= ${CERTIFICATE_SECONDS_MIN}`,
      );
    } else if (maxExpirationSeconds > CERTIFICATE_SECONDS_MAX) {
      problems.invalid(
        `${at}.maxExpirationSeconds`,
        maxExpirationSeconds,
        `if provided, maxExpirationSeconds must be <= ${CERTIFICATE_SECONDS_MAX}`,
      );
    }
  }
  const files = { credentialBundlePath, keyPath, certificateChainPath };
  if (Object.values(files).every((target) => target === undefined)) {
    problems.required(at, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath');
  }
  for (const [field, target] of Object.entries(files)) {
    if (target !== undefined) {
      checkVolumeFilePath(problems, `${at}.${field}`, target);
      take(problems, projecting, target);
    }
  }
}
