import { rangeText } from '../names.ts';
import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from '../types/core.v1.ts';
import { checkDescendingPath } from './path-rules.ts';
import type { Problems } from './problems.ts';

const ID_MAX = 0xffff_ffff;
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_MAX = 253;

export function checkPodSecurity(problems: Problems, path: string, spec: PodSpec): void {
  const context = spec.securityContext;
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    problems.invalid(
      `${path}.shareProcessNamespace`,
      true,
      'ShareProcessNamespace and HostPID cannot both be enabled',
    );
  }
  if (context === undefined) {
    return;
  }
  for (const field of ['fsGroup', 'runAsUser', 'runAsGroup'] as const) {
    checkId(problems, `${path}.${field}`, context[field]);
  }
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    checkId(problems, `${path}.supplementalGroups[${index}]`, group);
  }
  checkSysctls(problems, `${path}.sysctls`, context.sysctls);
  if (context.fsGroupChangePolicy !== undefined) {
    problems.oneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  }
  checkSeccomp(problems, `${path}.seccompProfile`, context.seccompProfile);
  checkAppArmor(problems, `${path}.appArmorProfile`, context.appArmorProfile);
  if (context.supplementalGroupsPolicy !== undefined) {
    problems.oneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']);
  }
}

export function checkContainerSecurity(
  problems: Problems,
  path: string,
  context: SecurityContext | undefined,
): void {
  if (context === undefined) {
    return;
  }
  checkId(problems, `${path}.runAsUser`, context.runAsUser);
  checkId(problems, `${path}.runAsGroup`, context.runAsGroup);
  if (context.procMount !== undefined) {
    problems.oneOf(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']);
  }
  checkSeccomp(problems, `${path}.seccompProfile`, context.seccompProfile);
  checkAppArmor(problems, `${path}.appArmorProfile`, context.appArmorProfile);
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
}

function checkId(problems: Problems, path: string, id: number | undefined): void {
  if (id !== undefined && (id < 0 || id > ID_MAX)) {
    problems.invalid(path, id, rangeText(0, ID_MAX));
  }
}

function checkSysctls(problems: Problems, path: string, sysctls: PodSecurityContext['sysctls']): void {
  const names = new Set<string>();
  for (const [index, { name }] of (sysctls ?? []).entries()) {
    const at = `${path}[${index}].name`;
    if (name === '') {
      problems.required(at);
    } else if (name.length > SYSCTL_MAX || !SYSCTL.test(name)) {
      problems.invalid(
        at,
        name,
        `must have at most ${SYSCTL_MAX} characters and match regex ${SYSCTL.source}`,
      );
    } else if (names.has(name)) {
      problems.duplicate(at, name);
    }
    names.add(name);
  }
}

function checkSeccomp(problems: Problems, path: string, profile: SeccompProfile | undefined): void {
  if (profile === undefined) {
    return;
  }
  if (profile.type === undefined) {
    problems.required(`${path}.type`, 'type is required when seccompProfile is set');
  } else {
    problems.oneOf(`${path}.type`, profile.type, PROFILE_TYPES);
  }
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
    if (localhostProfile === undefined || localhostProfile === '') {
      problems.required(`${path}.localhostProfile`, 'must be set when AppArmor type is Localhost');
    } else if (localhostProfile.trim() !== localhostProfile) {
      problems.invalid(`${path}.localhostProfile`, localhostProfile, 'must not be padded with whitespace');
    }
    return;
  }
  if (type === undefined) {
    problems.required(`${path}.type`, 'type is required when appArmorProfile is set');
  } else {
    problems.oneOf(`${path}.type`, type, PROFILE_TYPES);
  }
  if (localhostProfile !== undefined) {
    problems.invalid(
      `${path}.localhostProfile`,
      localhostProfile,
      'can only be set when AppArmor type is Localhost',
    );
  }
}
