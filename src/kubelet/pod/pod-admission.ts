import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import type { ContainerPort, Pod } from '#api/types/core.v1.ts';
import { podTotal, requestOf } from '../resources/qos.ts';
import type { EndCause } from '../status/pod-status.ts';
import { sysctlName } from './sysctl-name.ts';

/** Sysctls that are namespaced and cannot disturb other pods. */
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

/** What the pods of a node may take together. */
export interface NodeRoom {
  readonly allocatable: Readonly<Record<string, string>>;
  /** The pods that are here already and not yet over. */
  readonly others: readonly Pod[];
}

/** Why this node will not run the pod, if so; the pod then fails for good. */
export function refusalOf(pod: Pod, room: NodeRoom): EndCause | undefined {
  return refusalBySpec(pod) ?? refusalByRoom(pod, room);
}

/** A pod that was not put here by the scheduler, or raced with another, may not fit. */
function refusalByRoom(pod: Pod, { allocatable, others }: NodeRoom): EndCause | undefined {
  const podsMax = Number(allocatable['pods'] ?? Infinity);
  if (others.length + 1 > podsMax) {
    return outOf('pods', 1, others.length, podsMax);
  }
  if (hostPortsOf(pod).some((port) => others.some((other) => hostPortsOf(other).some(meets(port))))) {
    return {
      reason: 'NodePorts',
      message:
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    };
  }
  for (const [name, amountOf] of COUNTED) {
    const capacity = allocatable[name];
    const requested = requestedBy(pod, name, amountOf);
    let used = 0;
    for (const other of others) {
      used += requestedBy(other, name, amountOf);
    }
    if (capacity !== undefined && requested > 0 && used + requested > amountOf(capacity)) {
      return outOf(name, requested, used, amountOf(capacity));
    }
  }
  return undefined;
}

/** The ports of the node itself that a pod asks for; those of init containers only where they stay. */
function hostPortsOf({ spec }: Pod): readonly ContainerPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports.filter(({ hostPort = 0 }) => hostPort > 0),
  );
}

const ANY_ADDRESS: ReadonlySet<string> = new Set(['', '0.0.0.0']);

function meets(port: ContainerPort): (other: ContainerPort) => boolean {
  const { hostPort, protocol = 'TCP', hostIP = '' } = port;
  return (other) =>
    other.hostPort === hostPort &&
    (other.protocol ?? 'TCP') === protocol &&
    (ANY_ADDRESS.has(hostIP) || ANY_ADDRESS.has(other.hostIP ?? '') || other.hostIP === hostIP);
}

/** CPU is counted in thousandths. */
const COUNTED: readonly (readonly [string, (quantity: string) => number])[] = [
  ['cpu', quantityToMillis],
  ['memory', quantityToNumber],
];

function requestedBy(pod: Pod, name: string, amountOf: (quantity: string) => number): number {
  const own = pod.spec.resources === undefined ? undefined : requestOf(pod.spec.resources, name);
  return own === undefined
    ? podTotal(
        pod,
        ({ requests }) => amountOf(requests?.[name] ?? '0'),
        (overhead) => amountOf(overhead[name] ?? '0'),
      )
    : amountOf(own);
}

function outOf(resource: string, requested: number, used: number, capacity: number): EndCause {
  const numbers = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return {
    reason: `OutOf${resource}`,
    message: `Pod was rejected: Node didn't have enough resource: ${resource}, ${numbers}`,
  };
}

function refusalBySpec({ spec }: Pod): EndCause | undefined {
  const forbidden = spec.securityContext?.sysctls?.find(({ name }) => !SAFE_SYSCTLS.has(sysctlName(name)));
  if (forbidden !== undefined) {
    return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${forbidden.name}" not allowlisted` };
  }
  if (spec.os !== undefined && spec.os.name !== 'linux') {
    return {
      reason: 'PodOSNotSupported',
      message: "Failed to admit pod as the OS field doesn't match node OS",
    };
  }
  return undefined;
}
