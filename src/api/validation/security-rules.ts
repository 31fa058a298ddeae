import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from '../types/core.v1.ts';
import { checkDescendingPath } from './path-rules.ts';
import type { Problems } from './problems.ts';
import { checkWindowsOptions } from './windows-rules.ts';

/** What upstream takes, though Linux has twice as many. */
const ID_MAX = 2 ** 31 - 1;
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_MAX = 253;
/** The longest path that Linux takes. */
const PROFILE_MAX = 4095;

export function checkPodSecurity(problems: Problems, path: string, spec: PodSpec): void {
  const context = spec.securityContext;
  if (context === undefined) {
    return;
  }
  problems.upTo(`${path}.fsGroup`, context.fsGroup, ID_MAX);
  problems.upTo(`${path}.runAsUser`, context.runAsUser, ID_MAX);
  problems.upTo(`${path}.runAsGroup`, context.runAsGroup, ID_MAX);
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    problems.upTo(`${path}.supplementalGroups[${index}]`, group, ID_MAX);
  }
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    problems.invalid(
      `${path}.shareProcessNamespace`,
      true,
      'ShareProcessNamespace and HostPID cannot both be enabled',
    );
  }
  checkSysctls(problems, `${path}.sysctls`, context.sysctls, spec);
  if (context.fsGroupChangePolicy !== undefined) {
    problems.oneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  }
  checkSeccomp(problems, `${path}.seccompProfile`, context.seccompProfile);
  checkWindowsOptions(problems, `${path}.windowsOptions`, context.windowsOptions);
  checkAppArmor(problems, `${path}.appArmorProfile`, context.appArmorProfile);
  if (context.supplementalGroupsPolicy !== undefined) {
    problems.oneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']);
  }
  if (context.seLinuxChangePolicy !== undefined) {
    problems.oneOf(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']);
  }
}

export function checkContainerSecurity(
  problems: Problems,
  path: string,
  context: SecurityContext | undefined,
  sharesHostUsers: boolean,
): void {
  if (context === undefined) {
    return;
  }
  problems.upTo(`${path}.runAsUser`, context.runAsUser, ID_MAX);
  problems.upTo(`${path}.runAsGroup`, context.runAsGroup, ID_MAX);
  if (context.procMount !== undefined) {
    problems.oneOf(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']);
    if (context.procMount === 'Unmasked' && sharesHostUsers) {
      problems.invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`');
    }
  }
  checkSeccomp(problems, `${path}.seccompProfile`, context.seccompProfile);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) {
      problems.invalid(
        path,
        context,
        'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      );
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
      problems.invalid(
        path,
        context,
        'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      );
    }
  }
  checkWindowsOptions(problems, `${path}.windowsOptions`, context.windowsOptions);
  checkAppArmor(problems, `${path}.appArmorProfile`, context.appArmorProfile);
}

/** Kernel parameters of the namespaces that a pod may share with its host. */
const NET_SYSCTL = /^net[./]/;
const IPC_SYSCTL = /^(?:kernel[./](?:shm|msg)|kernel[./]sem$|fs[./]mqueue[./])/;

function checkSysctls(
  problems: Problems,
  path: string,
  sysctls: PodSecurityContext['sysctls'],
  { hostNetwork, hostIPC }: PodSpec,
): void {
  const names = new Set<string>();
  for (const [index, { name }] of (sysctls ?? []).entries()) {
    const at = `${path}[${index}].name`;
    if (name === '') {
      problems.required(at);
    } else if (name.length > SYSCTL_MAX || !SYSCTL.test(name)) {
      problems.invalid(
        at,
        name,
        `must have at most ${SYSCTL_MAX} characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`,
      );
    } else if (names.has(name)) {
      problems.duplicate(at, name);
    }
    if (hostNetwork === true && NET_SYSCTL.test(name)) {
      problems.invalid(at, name, "may not be specified when 'hostNetwork' is true");
    } else if (hostIPC === true && IPC_SYSCTL.test(name)) {
      problems.invalid(at, name, "may not be specified when 'hostIPC' is true");
    }
    names.add(name);
  }
}

function checkSeccomp(problems: Problems, path: string, profile: SeccompProfile | undefined): void {
  if (profile === undefined) {
    return;
  }
  problems.requiredOneOf(
    `${path}.type`,
    profile.type,
    PROFILE_TYPES,
    'type is required when seccompProfile is set',
  );
  if (profile.type !== 'Localhost') {
    if (profile.localhostProfile !== undefined) {
      problems.invalid(`${path}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost');
    }
  } else if (profile.localhostProfile === undefined) {
    problems.required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost');
  } else {
    checkDescendingPath(problems, `${path}.localhostProfile`, profile.localhostProfile);
  }
}

function checkAppArmor(problems: Problems, path: string, profile: AppArmorProfile | undefined): void {
  if (profile === undefined) {
    return;
  }
  const { type, localhostProfile } = profile;
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      problems.required(`${path}.localhostProfile`, 'must be set when AppArmor type is Localhost');
      return;
    }
    if (localhostProfile.trim() !== localhostProfile) {
      problems.invalid(`${path}.localhostProfile`, localhostProfile, 'must not be padded with whitespace');
    } else if (localhostProfile === '') {
      problems.required(`${path}.localhostProfile`, 'must be set when AppArmor type is Localhost');
    }
    if (Buffer.byteLength(localhostProfile) > PROFILE_MAX) {
      problems.tooLong(`${path}.localhostProfile`, PROFILE_MAX);
    }
    return;
  }
  problems.requiredOneOf(`${path}.type`, type, PROFILE_TYPES, 'type is required when appArmorProfile is set');
  if (localhostProfile !== undefined && PROFILE_TYPES.includes(type)) {
    problems.invalid(
      `${path}.localhostProfile`,
      localhostProfile,
      'can only be set when AppArmor type is Localhost',
    );
  }
}
