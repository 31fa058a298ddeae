import type { Pod } from '#api/types/core.v1.ts';
import type { PodSandboxConfig, PortMapping } from '#runtime/cri.ts';
import { podNamespaces, profileOf } from '../container/security.ts';
import { podCgroupPath, podResources } from '../resources/linux-resources.ts';
import { podHostname } from './hosts-file.ts';
import { podDnsConfig, type DnsSettings } from './pod-dns.ts';
import { sandboxLabels } from './runtime-labels.ts';
import { sysctlName } from './sysctl-name.ts';

/** The sandbox of a pod; the same pod and attempt always give the same configuration. */
export function sandboxConfig(
  pod: Pod,
  attempt: number,
  { dns, logDirectory }: { readonly dns: DnsSettings; readonly logDirectory: string },
): PodSandboxConfig {
  const { metadata, spec } = pod;
  const security = spec.securityContext ?? {};
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const seccomp = profileOf(security.seccompProfile);
  const isHostNetwork = spec.hostNetwork === true;
  const groups = [
    ...(security.supplementalGroups ?? []),
    ...(security.fsGroup === undefined ? [] : [security.fsGroup]),
  ];
  return {
    metadata: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, attempt },
    hostname: isHostNetwork ? '' : podHostname(pod),
    logDirectory,
    dnsConfig: podDnsConfig(pod, dns),
    portMappings: isHostNetwork ? [] : containers.flatMap(({ ports = [] }) => ports.map(portMapping)),
    labels: sandboxLabels(pod),
    annotations: metadata.annotations ?? {},
    linux: {
      cgroupParent: podCgroupPath(pod),
      sysctls: Object.fromEntries(
        (security.sysctls ?? []).map(({ name, value }) => [sysctlName(name), value]),
      ),
      resources: podResources(pod),
      securityContext: {
        namespaceOptions: podNamespaces(pod),
        privileged: containers.some(({ securityContext }) => securityContext?.privileged === true),
        ...(security.runAsUser === undefined ? {} : { runAsUser: security.runAsUser }),
        ...(security.runAsGroup === undefined ? {} : { runAsGroup: security.runAsGroup }),
        ...(groups.length === 0 ? {} : { supplementalGroups: groups }),
        ...(seccomp === undefined ? {} : { seccomp }),
      },
    },
  };
}

function portMapping({
  protocol = 'TCP',
  containerPort,
  hostPort = 0,
  hostIP,
}: {
  readonly protocol?: PortMapping['protocol'];
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
}): PortMapping {
  return { protocol, containerPort, hostPort, ...(hostIP === undefined ? {} : { hostIp: hostIP }) };
}
