import type { HostPort } from './pod-network.ts';

export interface PodTable {
  readonly table: string;
  readonly bridge: string;
  /** The range of this node's pods. */
  readonly podCidr: string;
  /** The range of all pods: between those no address is translated. */
  readonly clusterCidr: string;
  /** This host's own addresses; a pod that reaches a host port through one may be sent back to its own node's pods. */
  readonly hostAddresses: readonly string[];
}

/**
 * The ruleset that lets pods out and lets the host's ports in, made anew in one transaction. The last rule brings
 * the answers of host ports back through the host; connections to Services keep the pod's own address. Ports live in
 * maps, so that a pod coming or going changes an element and not a rule.
 */
export function podTableScript({ table, bridge, podCidr, clusterCidr, hostAddresses }: PodTable): string {
  const key = 'inet_proto . inet_service : ipv4_addr . inet_service';
  const keyWithAddress = `ipv4_addr . ${key}`;
  return `table ip ${table}
delete table ip ${table}
table ip ${table} {
  map hostports { type ${key}; }
  map hostports_by_address { type ${keyWithAddress}; }
  chain hostports_in {
    dnat ip to ip daddr . meta l4proto . th dport map @hostports_by_address
    dnat ip to meta l4proto . th dport map @hostports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump hostports_in
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump hostports_in
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${podCidr} ip daddr != ${clusterCidr} ip daddr != 224.0.0.0/4 oifname != "${bridge}" masquerade
    ip saddr 127.0.0.0/8 oifname "${bridge}" masquerade
    ip saddr ${podCidr} ip daddr ${podCidr} ct status dnat ct original ip daddr { ${hostAddresses.join(', ')} } oifname "${bridge}" masquerade
  }
}
`;
}

/** Adds or removes the host ports of one pod. */
export function hostPortScript(
  verb: 'add' | 'delete',
  table: string,
  podIp: string,
  ports: readonly HostPort[],
): string {
  return ports
    .filter(({ hostPort }) => hostPort > 0)
    .map(({ protocol, containerPort, hostPort, hostIp = '' }) => {
      const isAny = hostIp === '' || hostIp === '0.0.0.0' || hostIp.includes(':');
      const key = `${protocol.toLowerCase()} . ${hostPort}`;
      const element = isAny ? key : `${hostIp} . ${key}`;
      const map = isAny ? 'hostports' : 'hostports_by_address';
      return `${verb} element ip ${table} ${map} { ${element} : ${podIp} . ${containerPort} }\n`;
    })
    .join('');
}
