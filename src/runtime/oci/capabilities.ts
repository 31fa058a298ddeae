import { RuntimeError, type LinuxContainerSecurityContext } from '../cri.ts';

/** In the order of their kernel numbers. */
const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

const DEFAULT = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
];

/** The names, without `CAP_`, in a mask as `/proc/self/status` prints it. */
export function capabilitiesOfMask(hex: string): ReadonlySet<string> {
  const mask = BigInt(`0x${hex}`);
  return new Set(NAMES.filter((_, bit) => (mask & (1n << BigInt(bit))) !== 0n));
}

/**
 * What a container's process may keep, as `CAP_…` names. The base is the default set, everything when `ALL`
 * is added, nothing when `ALL` is dropped; single adds come after, single drops last.
 *
 * @param available what this host lets us give; the rest is left out silently for `ALL`, and for a
 *   privileged container
 */
export function containerCapabilities(
  context: LinuxContainerSecurityContext,
  available: ReadonlySet<string>,
): string[] {
  if (context.privileged === true) {
    return NAMES.filter((name) => available.has(name)).map((name) => `CAP_${name}`);
  }
  const added = (context.capabilities?.addCapabilities ?? []).map(plainName);
  const dropped = new Set((context.capabilities?.dropCapabilities ?? []).map(plainName));
  const base = added.includes('ALL') ? NAMES.filter((name) => available.has(name)) : DEFAULT;
  const kept = new Set<string>(dropped.has('ALL') ? [] : base);
  for (const name of added) {
    if (name !== 'ALL') {
      kept.add(name);
    }
  }
  for (const name of dropped) {
    kept.delete(name);
  }
  return [...kept].map((name) => `CAP_${name}`);
}

function plainName(name: string): string {
  const plain = name.toUpperCase().replace(/^CAP_/, '');
  if (plain !== 'ALL' && !NAMES.some((known) => known === plain)) {
    throw new RuntimeError('invalid-argument', `unknown capability "CAP_${plain}"`);
  }
  return plain;
}
