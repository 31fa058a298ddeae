import type { Pod } from '#api/types/core.v1.ts';

/** The name that the pod has for itself, at most 63 characters as the kernel wants it. */
export function podHostname({ metadata, spec }: Pod): string {
  if (spec.hostnameOverride !== undefined) {
    return spec.hostnameOverride.slice(0, 64);
  }
  const name = spec.hostname === undefined || spec.hostname === '' ? metadata.name : spec.hostname;
  return name.slice(0, 63).replace(/[-.]+$/, '');
}

/** `name.subdomain.namespace.svc.domain`, or undefined for a pod without a subdomain. */
export function podDomainName(pod: Pod, clusterDomain: string): string | undefined {
  const { subdomain = '', hostnameOverride } = pod.spec;
  return subdomain === '' || hostnameOverride !== undefined
    ? undefined
    : `${podHostname(pod)}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`;
}

/** The content of `/etc/hosts` for a pod with a network of its own. */
export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string): string {
  const hostname = podHostname(pod);
  const domainName = podDomainName(pod, clusterDomain);
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map((ip) =>
      domainName === undefined ? `${ip}\t${hostname}` : `${ip}\t${domainName}\t${hostname}`,
    ),
    ...aliasLines(pod),
  ];
  return `${lines.join('\n')}\n`;
}

/** For a pod in the host's network: the host's own file, with the pod's aliases added. */
export function hostNetworkHostsFile(pod: Pod, hostFile: string): string {
  return `# Kubernetes-managed hosts file (host network).\n${hostFile}${aliasLines(pod)
    .map((line) => `${line}\n`)
    .join('')}`;
}

function aliasLines({ spec }: Pod): readonly string[] {
  const aliases = spec.hostAliases ?? [];
  return aliases.length === 0
    ? []
    : [
        '',
        '# Entries added by HostAliases.',
        ...aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`),
      ];
}
