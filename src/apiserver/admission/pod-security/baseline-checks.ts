import type { LifecycleHandler, Probe, SELinuxOptions } from '#api/types/core.v1.ts';
import {
  containersText,
  hasOwnUsers,
  namesWhere,
  plural,
  quoted,
  settersText,
  sorted,
  type Check,
  type PodFacts,
  type Violation,
} from './check.ts';

const CAPABILITIES: ReadonlySet<string> = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);

/** Safe kernel parameters, by the release that let them in. */
const SYSCTLS: readonly (readonly [sinceMinor: number, names: readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      'net.ipv4.tcp_keepalive_time',
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

const SELINUX_TYPES: readonly string[] = ['', 'container_t', 'container_init_t', 'container_kvm_t'];
const SELINUX_TYPES_SINCE_31: readonly string[] = [...SELINUX_TYPES, 'container_engine_t'];

const APP_ARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';
const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_PREFIX = 'container.seccomp.security.alpha.kubernetes.io/';

/** The checks of the `baseline` level, in the order in which they report. */
export const BASELINE_CHECKS: readonly Check[] = [
  { id: 'appArmorProfile', sinceMinor: 0, run: appArmorProfile },
  { id: 'capabilities_baseline', sinceMinor: 0, run: capabilities },
  { id: 'hostNamespaces', sinceMinor: 0, run: hostNamespaces },
  { id: 'hostPathVolumes', sinceMinor: 0, run: hostPathVolumes },
  { id: 'hostPorts', sinceMinor: 0, run: hostPorts },
  { id: 'hostProbesAndHostLifecycle', sinceMinor: 34, run: hostProbes },
  { id: 'privileged', sinceMinor: 0, run: privileged },
  {
    id: 'procMount',
    sinceMinor: 0,
    run: (pod, minor) => (minor >= 35 && hasOwnUsers(pod) ? undefined : procMount(pod)),
  },
  { id: 'seLinuxOptions', sinceMinor: 0, run: seLinuxOptions },
  { id: 'seccompProfile_baseline', sinceMinor: 0, run: seccompProfile },
  { id: 'sysctls', sinceMinor: 0, run: sysctls },
  { id: 'windowsHostProcess', sinceMinor: 0, run: windowsHostProcess },
];

function appArmorProfile(pod: PodFacts): Violation | undefined {
  const isBad = (type: string | undefined): boolean =>
    type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const podType = pod.spec.securityContext?.appArmorProfile?.type;
  const badContainers = namesWhere(pod, ({ securityContext }) =>
    isBad(securityContext?.appArmorProfile?.type),
  );
  const types = [
    podType,
    ...pod.containers.map(({ securityContext }) => securityContext?.appArmorProfile?.type),
  ];
  const badTypes = sorted(types.filter((type) => type !== undefined && isBad(type)) as string[]);
  const annotations = Object.entries(pod.annotations)
    .filter(
      ([key, value]) =>
        key.startsWith(APP_ARMOR_PREFIX) &&
        value !== '' &&
        value !== 'runtime/default' &&
        !value.startsWith('localhost/'),
    )
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted();
  const setters = [
    ...[settersText(isBad(podType), badContainers)].filter((text) => text !== ''),
    ...(annotations.length > 0 ? [plural('annotation', annotations.length)] : []),
  ];
  const values = [...badTypes, ...annotations];
  return setters.length === 0
    ? undefined
    : {
        reason: plural('forbidden AppArmor profile', values.length),
        detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
      };
}

function capabilities(pod: PodFacts): Violation | undefined {
  const badOf = (container: PodFacts['containers'][number]): readonly string[] =>
    (container.securityContext?.capabilities?.add ?? []).filter((name) => !CAPABILITIES.has(name));
  const bad = namesWhere(pod, (container) => badOf(container).length > 0);
  return bad.length === 0
    ? undefined
    : {
        reason: 'non-default capabilities',
        detail: `${containersText(bad)} must not include ${quoted(sorted(pod.containers.flatMap(badOf)))} in securityContext.capabilities.add`,
      };
}

function hostNamespaces({ spec }: PodFacts): Violation | undefined {
  const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name] === true);
  return set.length === 0
    ? undefined
    : { reason: 'host namespaces', detail: set.map((name) => `${name}=true`).join(', ') };
}

function hostPathVolumes({ spec }: PodFacts): Violation | undefined {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  return bad.length === 0
    ? undefined
    : { reason: 'hostPath volumes', detail: `${plural('volume', bad.length)} ${quoted(bad)}` };
}

function hostPorts(pod: PodFacts): Violation | undefined {
  const portsOf = ({ ports }: PodFacts['containers'][number]): readonly string[] =>
    (ports ?? []).filter(({ hostPort = 0 }) => hostPort !== 0).map(({ hostPort }) => String(hostPort));
  const bad = namesWhere(pod, (container) => portsOf(container).length > 0);
  const ports = sorted(pod.containers.flatMap(portsOf));
  return bad.length === 0
    ? undefined
    : {
        reason: 'hostPort',
        detail: `${containersText(bad)} ${bad.length === 1 ? 'uses' : 'use'} ${plural('hostPort', ports.length)} ${ports.join(', ')}`,
      };
}

function hostProbes(pod: PodFacts): Violation | undefined {
  const hostsOf = ({
    livenessProbe,
    readinessProbe,
    startupProbe,
    lifecycle,
  }: PodFacts['containers'][number]): readonly string[] =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(
      namedHosts,
    );
  const bad = sorted(namesWhere(pod, (container) => hostsOf(container).length > 0));
  const hosts = sorted(pod.containers.flatMap(hostsOf));
  return bad.length === 0
    ? undefined
    : {
        reason: 'probe or lifecycle host',
        detail: `${containersText(bad)} ${bad.length === 1 ? 'uses' : 'use'} ${plural('probe or lifecycle host', hosts.length)} ${quoted(hosts)}`,
      };
}

function namedHosts(
  handler: Pick<Probe & LifecycleHandler, 'httpGet' | 'tcpSocket'> | undefined,
): readonly string[] {
  return [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''].filter((host) => host !== '');
}

function privileged(pod: PodFacts): Violation | undefined {
  const bad = namesWhere(pod, ({ securityContext }) => securityContext?.privileged === true);
  return bad.length === 0
    ? undefined
    : { reason: 'privileged', detail: `${containersText(bad)} must not set securityContext.privileged=true` };
}

export function procMount(pod: PodFacts): Violation | undefined {
  const typeOf = (container: PodFacts['containers'][number]): string =>
    container.securityContext?.procMount ?? 'Default';
  const bad = namesWhere(pod, (container) => typeOf(container) !== 'Default');
  const types = sorted(pod.containers.map(typeOf).filter((type) => type !== 'Default'));
  return bad.length === 0
    ? undefined
    : {
        reason: 'procMount',
        detail: `${containersText(bad)} must not set securityContext.procMount to ${quoted(types)}`,
      };
}

function seLinuxOptions(pod: PodFacts, minor: number): Violation | undefined {
  const types = minor >= 31 ? SELINUX_TYPES_SINCE_31 : SELINUX_TYPES;
  const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
    options !== undefined &&
    (!types.includes(options.type ?? '') || (options.user ?? '') !== '' || (options.role ?? '') !== '');
  const podOptions = pod.spec.securityContext?.seLinuxOptions;
  const optionsOf = (container: PodFacts['containers'][number]): SELinuxOptions | undefined =>
    container.securityContext?.seLinuxOptions;
  const bad = [podOptions, ...pod.containers.map(optionsOf)].filter(isBad);
  if (bad.length === 0) {
    return undefined;
  }
  const badTypes = sorted(bad.map(({ type = '' }) => type).filter((type) => !types.includes(type)));
  const data = [
    ...(badTypes.length > 0 ? [`${plural('type', badTypes.length)} ${quoted(badTypes)}`] : []),
    ...(bad.some(({ user = '' }) => user !== '') ? ['user may not be set'] : []),
    ...(bad.some(({ role = '' }) => role !== '') ? ['role may not be set'] : []),
  ];
  const setters = settersText(
    isBad(podOptions),
    namesWhere(pod, (container) => isBad(optionsOf(container))),
  );
  return {
    reason: 'seLinuxOptions',
    detail: `${setters} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`,
  };
}

/** Not one of the profiles that a pod may choose; undefined is none chosen. */
export function isBadSeccomp(type: string | undefined): boolean {
  return type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
}

/** What is wrong with the profiles that are chosen, if anything. */
export function chosenSeccomp(pod: PodFacts): Violation | undefined {
  const podType = pod.spec.securityContext?.seccompProfile?.type;
  const typeOf = (container: PodFacts['containers'][number]): string | undefined =>
    container.securityContext?.seccompProfile?.type;
  const setters = settersText(
    isBadSeccomp(podType),
    namesWhere(pod, (container) => isBadSeccomp(typeOf(container))),
  );
  const types = [podType, ...pod.containers.map(typeOf)].filter((type) => type !== undefined);
  return setters === ''
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `${setters} must not set securityContext.seccompProfile.type to ${quoted(sorted(types.filter(isBadSeccomp)))}`,
      };
}

function seccompProfile(pod: PodFacts, minor: number): Violation | undefined {
  if (minor >= 19) {
    return chosenSeccomp(pod);
  }
  const keys = [SECCOMP_POD_ANNOTATION, ...pod.containers.map(({ name }) => `${SECCOMP_PREFIX}${name}`)];
  const bad = keys.flatMap((key) => {
    const value = pod.annotations[key];
    const isGood =
      value === undefined ||
      value === 'runtime/default' ||
      value === 'docker/default' ||
      value.startsWith('localhost/');
    return isGood ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  return bad.length === 0
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `forbidden ${plural('annotation', new Set(bad).size)} ${sorted(bad).join(', ')}`,
      };
}

function sysctls({ spec }: PodFacts, minor: number): Violation | undefined {
  const safe = new Set(SYSCTLS.filter(([since]) => minor >= since).flatMap(([, names]) => names));
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.has(name));
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
}

function windowsHostProcess(pod: PodFacts): Violation | undefined {
  const setters = settersText(
    pod.spec.securityContext?.windowsOptions?.hostProcess === true,
    namesWhere(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true),
  );
  return setters === ''
    ? undefined
    : {
        reason: 'hostProcess',
        detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true`,
      };
}
