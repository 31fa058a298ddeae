import {
  configKeyProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  envNameProblems,
  qualifiedNameProblems,
} from '../names.ts';
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../types/core.v1.ts';
import { formatQuantity, parseQuantity } from '../quantity.ts';
import { checkDescendingPath } from './path-rules.ts';
import type { Problems } from './problems.ts';

const ENV_FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const VOLUME_FIELD_PATHS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const RESOURCE_NAMES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
/** Every field path the downward API knows, whether for variables or for files. */
const KNOWN_FIELD_PATHS: ReadonlySet<string> = new Set([...ENV_FIELD_PATHS, ...VOLUME_FIELD_PATHS]);

const HUGE_PAGES = /^(?:limits|requests)\.hugepages-/;
const BYTE_DIVISORS = '1 1k 1M 1G 1T 1P 1E 1Ki 1Mi 1Gi 1Ti 1Pi 1Ei'.split(' ');
/** Resources counted in bytes, as the sentence about a divisor names them. */
const DIVIDED: readonly (readonly [RegExp, string])[] = [
  [/^(?:limits|requests)\.memory$/, 'memory'],
  [/^(?:limits|requests)\.ephemeral-storage$/, 'local ephemeral storage'],
  [HUGE_PAGES, 'hugepages'],
];

const MORE_THAN_ONE = 'may not have more than one field specified at a time';

export function checkEnv(problems: Problems, path: string, env: readonly EnvVar[] | undefined): void {
  for (const [index, { name, value, valueFrom }] of (env ?? []).entries()) {
    const at = `${path}[${index}]`;
    problems.requiredName(`${at}.name`, name, envNameProblems);
    if (valueFrom !== undefined) {
      checkSource(problems, `${at}.valueFrom`, valueFrom, value !== undefined && value !== '');
    }
  }
}

function checkSource(problems: Problems, path: string, source: EnvVarSource, hasValue: boolean): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  if (fieldRef !== undefined) {
    checkFieldRef(problems, `${path}.fieldRef`, fieldRef, ENV_FIELD_PATHS);
  }
  if (resourceFieldRef !== undefined) {
    checkResourceFieldRef(problems, `${path}.resourceFieldRef`, resourceFieldRef);
    checkDivisor(problems, `${path}.resourceFieldRef`, resourceFieldRef);
  }
  if (fileKeyRef !== undefined) {
    checkFileKeyRef(problems, `${path}.fileKeyRef`, fileKeyRef);
  }
  for (const [name, ref] of Object.entries({ configMapKeyRef, secretKeyRef })) {
    if (ref !== undefined) {
      problems.names(`${path}.${name}.name`, ref.name ?? '', dnsSubdomainProblems(ref.name ?? ''));
      problems.requiredName(`${path}.${name}.key`, ref.key, configKeyProblems);
    }
  }
  const count = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(
    (each) => each !== undefined,
  ).length;
  if (count === 0) {
    problems.invalid(
      path,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
    );
  } else if (hasValue) {
    problems.invalid(path, '', 'may not be specified when `value` is not empty');
  } else if (count > 1) {
    problems.invalid(path, '', MORE_THAN_ONE);
  }
}

/** A field of the pod as a file of a volume. */
export function checkVolumeFieldRef(problems: Problems, path: string, ref: ObjectFieldSelector): void {
  checkFieldRef(problems, path, ref, VOLUME_FIELD_PATHS);
}

function checkFieldRef(
  problems: Problems,
  path: string,
  { apiVersion, fieldPath }: ObjectFieldSelector,
  supported: readonly string[],
): void {
  if (apiVersion === undefined || apiVersion === '') {
    problems.required(`${path}.apiVersion`);
    return;
  }
  if (fieldPath === '') {
    problems.required(`${path}.fieldPath`);
    return;
  }
  const [, base = fieldPath, key] = /^([^[]+)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (!KNOWN_FIELD_PATHS.has(base)) {
    problems.invalid(
      `${path}.fieldPath`,
      fieldPath,
      `error converting fieldPath: field label not supported: ${fieldPath}`,
    );
  } else if (key === undefined) {
    problems.oneOf(`${path}.fieldPath`, base, supported);
  } else if (base === 'metadata.annotations' || base === 'metadata.labels') {
    const name = base === 'metadata.labels' ? key : key.toLowerCase();
    problems.names(path, name, qualifiedNameProblems(name));
  } else {
    problems.invalid(path, base, 'does not support subscript');
  }
}

/** An amount of one of the pod's containers as a file of a volume. */
export function checkVolumeResourceRef(problems: Problems, path: string, ref: ResourceFieldSelector): void {
  if (ref.containerName === undefined || ref.containerName === '') {
    problems.required(`${path}.containerName`);
  } else {
    checkResourceFieldRef(problems, path, ref);
  }
  checkDivisor(problems, path, ref);
}

function checkResourceFieldRef(problems: Problems, path: string, { resource }: ResourceFieldSelector): void {
  if (resource === '') {
    problems.required(`${path}.resource`);
  } else if (!HUGE_PAGES.test(resource)) {
    problems.oneOf(`${path}.resource`, resource, RESOURCE_NAMES);
  }
}

function checkDivisor(problems: Problems, path: string, { resource, divisor }: ResourceFieldSelector): void {
  if (divisor === undefined || divisor === '0') {
    return;
  }
  const quantity = parseQuantity(divisor);
  if (quantity.nanos === 0n) {
    return;
  }
  const text = formatQuantity(quantity);
  const isCpu = resource === 'limits.cpu' || resource === 'requests.cpu';
  if (isCpu ? text === '1' || text === '1m' : BYTE_DIVISORS.includes(text)) {
    return;
  }
  const what = isCpu ? 'cpu' : DIVIDED.find(([pattern]) => pattern.test(resource))?.[1];
  if (what !== undefined) {
    const values = isCpu ? '1m and 1' : BYTE_DIVISORS.join(', ');
    problems.invalid(
      `${path}.divisor`,
      resource,
      `only divisor's values ${values} are supported with the ${what} resource`,
    );
  }
}

function checkFileKeyRef(
  problems: Problems,
  path: string,
  { volumeName, path: target, key }: FileKeySelector,
): void {
  problems.requiredName(`${path}.volumeName`, volumeName, dnsLabelProblems);
  problems.requiredText(`${path}.path`, target);
  checkDescendingPath(problems, `${path}.path`, target);
  problems.requiredName(`${path}.key`, key, envNameProblems);
}

export function checkEnvFrom(
  problems: Problems,
  path: string,
  sources: readonly EnvFromSource[] | undefined,
): void {
  for (const [index, { prefix, configMapRef, secretRef }] of (sources ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (prefix !== undefined && prefix !== '') {
      problems.names(`${at}.prefix`, prefix, envNameProblems(prefix));
    }
    for (const [name, ref] of Object.entries({ configMapRef, secretRef })) {
      if (ref !== undefined) {
        problems.requiredName(`${at}.${name}.name`, ref.name, dnsSubdomainProblems);
      }
    }
    if (configMapRef === undefined && secretRef === undefined) {
      problems.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`');
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      problems.invalid(path, '', MORE_THAN_ONE);
    }
  }
}
