import {
  RuntimeError,
  type ContainerConfig,
  type LinuxContainerResources,
  type Mount,
  type PodSandboxConfig,
} from '../cri.ts';
import { containerCapabilities } from './capabilities.ts';
import type { ResolvedUser } from './image-user.ts';
import type { OciDevice, OciDeviceRule, OciMount, OciResources, OciSpec } from './oci-spec.ts';
import { seccompProfile } from './seccomp.ts';

/** The `config` of an image, as far as it tells how to run it. */
export interface ImageRunConfig {
  readonly User?: string;
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
}

/** What one host lets containers have. */
export interface HostLimits {
  readonly capabilities: ReadonlySet<string>;
  /** Lower scores than this are refused to us; -1000 where we may set any. */
  readonly oomScoreAdjMin: number;
}

/** Everything a container's specification is made from; nothing here is looked up. */
export interface BundleInput {
  readonly config: ContainerConfig;
  readonly sandbox: PodSandboxConfig;
  readonly image: ImageRunConfig;
  readonly user: ResolvedUser;
  /** Directory with the merged file system. */
  readonly rootfs: string;
  readonly cgroupsPath: string;
  /** Files that pin the pod's namespaces; a missing one means the host's own. */
  readonly namespaces: { readonly net?: string; readonly ipc?: string; readonly uts?: string };
  /** Path of the process namespace to join, `own` for a new one, `host` for the host's. */
  readonly pid: { readonly kind: 'own' | 'host' } | { readonly kind: 'join'; readonly path: string };
  /** Files of the sandbox that show up in every container of it. */
  readonly files: { readonly resolvConf: string; readonly hostname: string; readonly shm: string };
  readonly devices: readonly OciDevice[];
  readonly host: HostLimits;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Devices that every container may use: null, zero, full, random, urandom, tty, ptmx and the pseudo-terminals. */
const DEFAULT_DEVICE_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[3, 5, 7, 8, 9].map((minor) => ({ allow: true, type: 'c', major: 1, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** Writes the specification of one container. */
export function buildSpec(input: BundleInput): OciSpec {
  const { config, image, user, host } = input;
  const context = config.linux.securityContext;
  const isPrivileged = context.privileged === true;
  const capabilities = containerCapabilities(context, host.capabilities);
  const seccomp = isPrivileged ? undefined : seccompProfile(context.seccomp, capabilities);
  const { oomScoreAdj } = config.linux.resources;
  const needsRootPropagation = config.mounts.some(({ propagation }) => propagation === 'bidirectional');
  const workingDir = config.workingDir ?? '';
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: config.tty === true,
      user: { uid: user.uid, gid: user.gid, additionalGids: user.supplementalGroups },
      args: commandLine(config, image),
      env: environment(input),
      cwd: workingDir !== '' ? workingDir : (image.WorkingDir ?? '') !== '' ? (image.WorkingDir ?? '/') : '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: context.noNewPrivs === true,
      ...(oomScoreAdj === undefined ? {} : { oomScoreAdj: Math.max(oomScoreAdj, host.oomScoreAdjMin) }),
      ...apparmor(context.apparmor, isPrivileged),
    },
    root: { path: input.rootfs, readonly: context.readonlyRootfs === true },
    ...(input.namespaces.uts === undefined ? {} : { hostname: input.sandbox.hostname }),
    mounts: [...systemMounts(input), ...podMounts(input), ...config.mounts.map(bindMount)],
    linux: {
      namespaces: namespaces(input),
      cgroupsPath: input.cgroupsPath,
      resources: { ...ociResources(config.linux.resources), devices: deviceRules(input) },
      devices: input.devices,
      maskedPaths: isPrivileged ? [] : (context.maskedPaths ?? MASKED_PATHS),
      readonlyPaths: isPrivileged ? [] : (context.readonlyPaths ?? READONLY_PATHS),
      rootfsPropagation: needsRootPropagation ? 'rshared' : 'rslave',
      ...(seccomp === undefined ? {} : { seccomp }),
    },
  };
}

/** The limits in the form of the runtime specification, for `config.json` and for `update`. */
export function ociResources(resources: LinuxContainerResources): OciResources {
  const { cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems, unified } = resources;
  const { memoryLimitInBytes, memorySwapLimitInBytes } = resources;
  return {
    memory: {
      ...(isSet(memoryLimitInBytes) ? { limit: memoryLimitInBytes } : {}),
      ...(isSet(memorySwapLimitInBytes) ? { swap: memorySwapLimitInBytes } : {}),
    },
    cpu: {
      ...(isSet(cpuShares) ? { shares: cpuShares } : {}),
      ...(isSet(cpuQuota) ? { quota: cpuQuota } : {}),
      ...(isSet(cpuPeriod) ? { period: cpuPeriod } : {}),
      ...(cpusetCpus === undefined || cpusetCpus === '' ? {} : { cpus: cpusetCpus }),
      ...(cpusetMems === undefined || cpusetMems === '' ? {} : { mems: cpusetMems }),
    },
    ...(unified === undefined ? {} : { unified }),
  };
}

function isSet(value: number | undefined): value is number {
  return value !== undefined && value !== 0;
}

/** @throws {RuntimeError} when neither the pod nor the image says what to run */
function commandLine(config: ContainerConfig, image: ImageRunConfig): string[] {
  const command = config.command ?? [];
  const args = config.args ?? [];
  const entrypoint = command.length > 0 ? command : (image.Entrypoint ?? []);
  const rest = args.length > 0 || command.length > 0 ? args : (image.Cmd ?? []);
  const line = [...entrypoint, ...rest];
  if (line.length === 0) {
    throw new RuntimeError('invalid-argument', 'no command specified');
  }
  return line;
}

function environment({ config, image, sandbox, user }: BundleInput): string[] {
  const values = new Map<string, string>();
  const inherited = image.Env ?? [];
  const base = inherited.some((entry) => entry.startsWith('PATH=')) ? [] : [DEFAULT_PATH];
  const terminal = config.tty === true ? ['TERM=xterm'] : [];
  for (const entry of [...base, `HOSTNAME=${sandbox.hostname}`, ...terminal, ...inherited]) {
    const at = entry.indexOf('=');
    if (at > 0) {
      values.set(entry.slice(0, at), entry.slice(at + 1));
    }
  }
  for (const { key, value } of config.envs) {
    values.set(key, value);
  }
  if (!values.has('HOME')) {
    values.set('HOME', user.home);
  }
  return [...values].map(([key, value]) => `${key}=${value}`);
}

function systemMounts({ config, namespaces: { ipc } }: BundleInput): OciMount[] {
  const access = config.linux.securityContext.privileged === true ? 'rw' : 'ro';
  const careful = ['nosuid', 'noexec', 'nodev'];
  const pts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'];
  const dev = ['nosuid', 'strictatime', 'mode=755', 'size=65536k'];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: careful },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: dev },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: pts },
    ...(ipc === undefined
      ? []
      : [{ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: careful }]),
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...careful, access] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...careful, 'relatime', access],
    },
  ];
}

/** The sandbox's own files, each unless the caller mounts something there. */
function podMounts({ config, files }: BundleInput): OciMount[] {
  const taken = new Set(config.mounts.map(({ containerPath }) => containerPath));
  const access = config.linux.securityContext.readonlyRootfs === true ? 'ro' : 'rw';
  const mounts: OciMount[] = [
    {
      destination: '/dev/shm',
      type: 'bind',
      source: files.shm,
      options: ['rbind', 'nosuid', 'noexec', 'nodev'],
    },
    { destination: '/etc/resolv.conf', type: 'bind', source: files.resolvConf, options: ['rbind', access] },
    { destination: '/etc/hostname', type: 'bind', source: files.hostname, options: ['rbind', access] },
  ];
  return mounts.filter(({ destination }) => !taken.has(destination));
}

function bindMount(mount: Mount): OciMount {
  const propagation = { private: 'rprivate', 'host-to-container': 'rslave', bidirectional: 'rshared' };
  const options = ['rbind', propagation[mount.propagation ?? 'private'], mount.readonly ? 'ro' : 'rw'];
  if (mount.recursiveReadOnly === true) {
    options.push('rro');
  }
  return { destination: mount.containerPath, type: 'bind', source: mount.hostPath, options };
}

function namespaces({ namespaces: { net, ipc, uts }, pid }: BundleInput): OciSpec['linux']['namespaces'] {
  return [
    { type: 'mount' },
    ...(net === undefined ? [] : [{ type: 'network', path: net }]),
    ...(ipc === undefined ? [] : [{ type: 'ipc', path: ipc }]),
    ...(uts === undefined ? [] : [{ type: 'uts', path: uts }]),
    ...(pid.kind === 'own' ? [{ type: 'pid' }] : []),
    ...(pid.kind === 'join' ? [{ type: 'pid', path: pid.path }] : []),
  ];
}

function deviceRules({ config, devices }: BundleInput): readonly OciDeviceRule[] {
  if (config.linux.securityContext.privileged === true) {
    return [{ allow: true, access: 'rwm' }];
  }
  const asked = new Map(
    config.devices?.map(({ containerPath, permissions }) => [containerPath, permissions]),
  );
  const own = devices.map(({ path, type, major, minor }) => ({
    allow: true,
    type,
    major,
    minor,
    access: asked.get(path) ?? 'rwm',
  }));
  return [...DEFAULT_DEVICE_RULES, ...own];
}

function apparmor(
  profile: ContainerConfig['linux']['securityContext']['apparmor'],
  isPrivileged: boolean,
): { apparmorProfile?: string } {
  if (isPrivileged || profile?.profileType !== 'Localhost' || profile.localhostRef === undefined) {
    return {};
  }
  return { apparmorProfile: profile.localhostRef };
}
