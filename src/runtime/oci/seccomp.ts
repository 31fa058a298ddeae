import { readFileSync } from 'node:fs';
import { RuntimeError, type SecurityProfile } from '../cri.ts';

interface SyscallRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    readonly value: number;
    readonly valueTwo?: number;
    readonly op: string;
  }[];
}

/** The `linux.seccomp` part of a runtime specification. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly architectures?: readonly string[];
  readonly syscalls?: readonly SyscallRule[];
}

const EPERM = 1;
const ENOSYS = 38;
/** CLONE_NEW… of mount, cgroup, uts, ipc, user, pid, net and time namespaces. */
const NAMESPACE_FLAGS = 0x7e02_0080;

/** Never for a container: what they touch belongs to the whole kernel. */
const ALWAYS = [
  '_sysctl',
  'add_key',
  'create_module',
  'get_kernel_syms',
  'io_uring_enter',
  'io_uring_register',
  'io_uring_setup',
  'keyctl',
  'nfsservctl',
  'query_module',
  'request_key',
  'sysfs',
  'uselib',
  'userfaultfd',
  'ustat',
  'vm86',
  'vm86old',
];

/** Refused unless the container has the capability, which then decides alone. */
const BY_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_SYS_ADMIN: [
    'fanotify_init',
    'fsconfig',
    'fsmount',
    'fsopen',
    'fspick',
    'lookup_dcookie',
    'mount',
    'mount_setattr',
    'move_mount',
    'open_tree',
    'pivot_root',
    'quotactl',
    'quotactl_fd',
    'setns',
    'swapoff',
    'swapon',
    'umount',
    'umount2',
    'unshare',
  ],
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_SYS_BOOT: ['kexec_file_load', 'kexec_load', 'reboot'],
  CAP_SYS_MODULE: ['delete_module', 'finit_module', 'init_module'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_RAWIO: ['ioperm', 'iopl'],
  CAP_SYS_TIME: ['clock_adjtime', 'clock_settime', 'settimeofday', 'stime'],
  CAP_SYS_NICE: ['get_mempolicy', 'mbind', 'move_pages', 'set_mempolicy', 'set_mempolicy_home_node'],
  CAP_SYS_PTRACE: ['kcmp', 'process_madvise'],
  CAP_BPF: ['bpf'],
  CAP_PERFMON: ['perf_event_open'],
};

/** The profile for a container; undefined for none. */
export function seccompProfile(
  profile: SecurityProfile | undefined,
  capabilities: readonly string[],
): SeccompProfile | undefined {
  if (profile?.profileType === 'RuntimeDefault') {
    return defaultProfile(capabilities);
  }
  return profile?.profileType === 'Localhost' ? localProfile(profile.localhostRef ?? '') : undefined;
}

/**
 * Refuses what reaches beyond the container and allows the rest. A list of refusals is shorter, and kinder
 * to new system calls, than a list of permissions; the price is that a new dangerous call passes until it
 * is listed.
 */
function defaultProfile(capabilities: readonly string[]): SeccompProfile {
  const held = new Set(capabilities);
  const refused = [...ALWAYS];
  for (const [capability, names] of Object.entries(BY_CAPABILITY)) {
    // CAP_SYS_ADMIN stands for the two capabilities that were once part of it.
    const isOldAdmin = capability === 'CAP_BPF' || capability === 'CAP_PERFMON';
    if (!held.has(capability) && !(isOldAdmin && held.has('CAP_SYS_ADMIN'))) {
      refused.push(...names);
    }
  }
  const syscalls: SyscallRule[] = [{ names: refused, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM }];
  if (!held.has('CAP_SYS_ADMIN')) {
    // The flags of clone3 are behind a pointer, out of a filter's sight: ENOSYS makes callers use clone.
    syscalls.push({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS });
    for (let bit = 0; bit < 31; bit++) {
      const flag = 2 ** bit;
      if ((NAMESPACE_FLAGS & flag) !== 0) {
        const args = [{ index: 0, value: flag, valueTwo: flag, op: 'SCMP_CMP_MASKED_EQ' }];
        syscalls.push({ names: ['clone'], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM, args });
      }
    }
  }
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
}

function localProfile(path: string): SeccompProfile {
  try {
    // Checked by the low-level runtime, which alone knows what it can install.
    return JSON.parse(readFileSync(path, 'utf8')) as SeccompProfile;
  } catch (error) {
    throw new RuntimeError('invalid-argument', `cannot load seccomp profile ${path}`, { cause: error });
  }
}
