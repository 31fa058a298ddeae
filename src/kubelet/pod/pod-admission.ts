import type { Pod } from '#api/types/core.v1.ts';
import type { EndCause } from '../status/pod-status.ts';

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

/** Why this node will not run the pod, if so; the pod then fails for good. */
export function refusalOf({ spec }: Pod): EndCause | undefined {
  const forbidden = spec.securityContext?.sysctls?.find(
    ({ name }) => !SAFE_SYSCTLS.has(name.replaceAll('/', '.')),
  );
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
