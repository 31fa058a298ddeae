import { dnsSubdomainProblems } from '../names.ts';
import type {
  Container,
  EphemeralContainer,
  PodSpec,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '../types/core.v1.ts';
import type { Problems } from './problems.ts';

const CREDENTIAL_SPEC_KIB_MAX = 64;
const DOMAIN_MAX = 256;
const USER_MAX = 104;
const NET_BIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DNS_PART = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const DNS = new RegExp(`^${DNS_PART}(?:\\.${DNS_PART})*$`);

export function checkWindowsOptions(
  problems: Problems,
  path: string,
  options: WindowsSecurityContextOptions | undefined,
): void {
  if (options === undefined) {
    return;
  }
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName } = options;
  if (name !== undefined) {
    problems.names(`${path}.gmsaCredentialSpecName`, name, dnsSubdomainProblems(name));
  }
  if (spec === '') {
    problems.invalid(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string');
  } else if (spec !== undefined && Buffer.byteLength(spec) > CREDENTIAL_SPEC_KIB_MAX * 1024) {
    problems.invalid(
      `${path}.gmsaCredentialSpec`,
      spec,
      `gmsaCredentialSpec size must be under ${CREDENTIAL_SPEC_KIB_MAX} KiB`,
    );
  }
  if (runAsUserName !== undefined) {
    problems.names(`${path}.runAsUserName`, runAsUserName, userNameProblems(runAsUserName));
  }
}

function userNameProblems(name: string): readonly string[] {
  if (name === '') {
    return ['runAsUserName cannot be an empty string'];
  }
  // oxlint-disable-next-line no-control-regex -- these are the characters it is about
  if (/[\u0000-\u001f\u007f]/.test(name)) {
    return ['runAsUserName cannot contain control characters'];
  }
  const parts = name.split('\\');
  if (parts.length > 2) {
    return ['runAsUserName cannot contain more than one backslash'];
  }
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const wrong: readonly (readonly [boolean, string])[] = [
    [
      (domain ?? '').length >= DOMAIN_MAX,
      `runAsUserName's Domain length must be under ${DOMAIN_MAX} characters`,
    ],
    [
      domain !== undefined && !NET_BIOS.test(domain) && !DNS.test(domain),
      "runAsUserName's Domain doesn't match the NetBios nor the DNS format",
    ],
    [user === '', "runAsUserName's User cannot be empty"],
    [user.length > USER_MAX, `runAsUserName's User length must not be longer than ${USER_MAX} characters`],
    [/^[. ]+$/.test(user), "runAsUserName's User cannot contain only periods or spaces"],
    [
      /["/\\:;|=,+*?<>@[\]]/.test(user),
      'runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]',
    ],
  ];
  return wrong.flatMap(([is, sentence]) => (is ? [sentence] : []));
}

interface Placed {
  readonly path: string;
  readonly container: Container | EphemeralContainer;
}

/** Every container of a pod with its path: initialisers, containers, debugging ones. */
export function placedContainers(path: string, spec: PodSpec): readonly Placed[] {
  const placed: Placed[] = [];
  for (const field of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) {
      placed.push({ path: `${path}.${field}[${index}]`, container });
    }
  }
  return placed;
}

/** Containers that run as processes of a Windows host: all of them or none, and in its network. */
export function checkHostProcesses(problems: Problems, path: string, spec: PodSpec): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  if (ofPod === undefined && !hasWindowsOptions(spec)) {
    return;
  }
  const placed = placedContainers(path, spec);
  let count = 0;
  for (const { path: at, container } of placed) {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      problems.invalid(
        `${at}.securityContext.windowsOptions.hostProcess`,
        own,
        `pod hostProcess value must be identical if both are specified, was ${ofPod}`,
      );
    }
    count += (own ?? ofPod) === true ? 1 : 0;
  }
  if (count === 0) {
    return;
  }
  if (count !== placed.length) {
    problems.invalid(
      path,
      '',
      'If pod contains any hostProcess containers then all containers must be HostProcess containers',
    );
  }
  if (spec.hostNetwork !== true) {
    problems.invalid(
      `${path}.hostNetwork`,
      false,
      'hostNetwork must be true if pod contains any hostProcess containers',
    );
  }
}

function hasWindowsOptions({ containers, initContainers, ephemeralContainers }: PodSpec): boolean {
  const has = ({ securityContext }: { readonly securityContext?: SecurityContext }): boolean =>
    securityContext?.windowsOptions !== undefined;
  return containers.some(has) || (initContainers ?? []).some(has) || (ephemeralContainers ?? []).some(has);
}

/** Fields that only the other system has. */
const LINUX_POD = [
  ['securityContext', 'appArmorProfile'],
  ['securityContext', 'seLinuxOptions'],
  ['', 'hostUsers'],
  ['', 'hostPID'],
  ['', 'hostIPC'],
  ['securityContext', 'seccompProfile'],
  ['securityContext', 'fsGroup'],
  ['securityContext', 'fsGroupChangePolicy'],
  ['securityContext', 'sysctls'],
  ['', 'shareProcessNamespace'],
  ['securityContext', 'runAsUser'],
  ['securityContext', 'runAsGroup'],
  ['securityContext', 'supplementalGroups'],
  ['securityContext', 'supplementalGroupsPolicy'],
  ['securityContext', 'seLinuxChangePolicy'],
] as const;
const LINUX_CONTAINER = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;
const NOT_WINDOWS = 'cannot be set for a windows pod';
const NOT_LINUX = 'windows options cannot be set for a linux pod';

export function checkOs(problems: Problems, path: string, spec: PodSpec): void {
  if (spec.os === undefined) {
    return;
  }
  const { name } = spec.os;
  if (name === '') {
    problems.required(`${path}.os.name`, 'cannot be empty');
  } else if (name === 'linux') {
    checkLinux(problems, path, spec);
  } else if (name === 'windows') {
    checkWindows(problems, path, spec);
  } else {
    problems.oneOf(`${path}.os`, name, ['linux', 'windows']);
  }
}

function checkLinux(problems: Problems, path: string, spec: PodSpec): void {
  if (spec.securityContext?.windowsOptions !== undefined) {
    problems.forbidden(`${path}.securityContext.windowsOptions`, NOT_LINUX);
  }
  for (const { path: at, container } of placedContainers(path, spec)) {
    if (container.securityContext?.windowsOptions !== undefined) {
      problems.forbidden(`${at}.securityContext.windowsOptions`, NOT_LINUX);
    }
  }
}

function checkWindows(problems: Problems, path: string, spec: PodSpec): void {
  const context = spec.securityContext ?? {};
  for (const [parent, field] of LINUX_POD) {
    const value = parent === '' ? spec[field] : context[field];
    const isSet = Array.isArray(value) ? value.length > 0 : value !== undefined;
    if (isSet && !((field === 'hostPID' || field === 'hostIPC') && value === false)) {
      problems.forbidden(parent === '' ? `${path}.${field}` : `${path}.${parent}.${field}`, NOT_WINDOWS);
    }
  }
  for (const { path: at, container } of placedContainers(path, spec)) {
    for (const field of LINUX_CONTAINER) {
      if (container.securityContext?.[field] !== undefined) {
        problems.forbidden(`${at}.securityContext.${field}`, NOT_WINDOWS);
      }
    }
  }
}
