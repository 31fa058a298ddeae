import { configKeyProblems, dnsSubdomainProblems, envNameProblems, qualifiedNameProblems } from '../names.ts';
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../types/core.v1.ts';
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

export function checkResourceFieldRef(
  problems: Problems,
  path: string,
  { resource }: ResourceFieldSelector,
): void {
  if (resource === '') {
    problems.required(`${path}.resource`);
  } else if (!/^(?:limits|requests)\.hugepages-/.test(resource)) {
    problems.oneOf(`${path}.resource`, resource, RESOURCE_NAMES);
  }
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
