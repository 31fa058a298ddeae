import type { Pod } from '#api/types/core.v1.ts';
import type { DnsConfig } from '#runtime/cri.ts';

/** glibc reads no more. */
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;

export interface DnsSettings {
  /** Addresses of the cluster's DNS service; empty when there is none. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolver configuration. */
  readonly host: DnsConfig;
}

/** The resolver configuration of a pod by its `dnsPolicy`, with `dnsConfig` added. */
export function podDnsConfig(pod: Pod, { clusterDns, clusterDomain, host }: DnsSettings): DnsConfig {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork = false } = pod.spec;
  const isCluster =
    clusterDns.length > 0 &&
    (dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork));
  const { namespace } = pod.metadata;
  const base: DnsConfig = isCluster
    ? {
        servers: clusterDns,
        searches: [
          `${namespace}.svc.${clusterDomain}`,
          `svc.${clusterDomain}`,
          clusterDomain,
          ...host.searches,
        ],
        options: ['ndots:5'],
      }
    : dnsPolicy === 'None'
      ? { servers: [], searches: [], options: [] }
      : host;
  return {
    servers: unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]).slice(0, NAMESERVERS_MAX),
    searches: unique([...base.searches, ...(dnsConfig?.searches ?? [])]).slice(0, SEARCHES_MAX),
    options: mergeOptions(base.options, dnsConfig?.options ?? []),
  };
}

/** Reads the text of a `resolv.conf`. */
export function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...rest] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && rest[0] !== undefined) {
      servers.push(rest[0]);
    } else if (keyword === 'search' || keyword === 'domain') {
      searches = rest.filter((domain) => domain !== '.');
    } else if (keyword === 'options') {
      options.push(...rest);
    }
  }
  return { servers, searches, options };
}

function mergeOptions(
  base: readonly string[],
  own: readonly { readonly name?: string; readonly value?: string }[],
): readonly string[] {
  const merged = new Map(base.map((option) => [option.split(':')[0] ?? option, option]));
  for (const { name = '', value } of own) {
    merged.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  }
  return [...merged.values()];
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
