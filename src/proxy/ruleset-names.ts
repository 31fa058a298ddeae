/** Sets and maps of the table, by what they answer. A virtual address is `address . protocol . port`. */
export const SETS = {
  /** Virtual address → the chain that serves it. */
  services: 'services',
  /** Node port → the chain that serves it. */
  nodePorts: 'node-ports',
  /** Virtual address without a usable endpoint → refuse or drop. */
  refused: 'refused',
  refusedNodePorts: 'refused-node-ports',
  /** Virtual address that only some sources may use → the chain that checks them. */
  firewall: 'firewall',
  /** One of each protocol (see {@link poolName}). Address, port, and a number below the pool's size → endpoint. */
  endpoints: 'endpoints',
  /** The same for traffic that must stay on this node. */
  localEndpoints: 'local-endpoints',
  nodePortEndpoints: 'node-port-endpoints',
  localNodePortEndpoints: 'local-node-port-endpoints',
  clusterIps: 'cluster-ips',
  /** Pairs of an endpoint on this node with itself. */
  hairpin: 'hairpin',
} as const;

/** Marks a packet so that its source becomes an address of this node after routing. */
export const MASQUERADE_CHAIN = 'mark-for-masquerade';

/** The bit upstream's proxy uses too (`--iptables-masquerade-bit` 14), which firewalls know to leave alone. */
export const MASQUERADE_MARK = '0x4000';

export const REJECT_CHAIN = 'reject-traffic';

export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

export type NftProtocol = (typeof PROTOCOLS)[number];

/** The map of one protocol's endpoints, as `tcp-local-endpoints`. */
export function poolName(protocol: NftProtocol, pool: string): string {
  return `${protocol}-${pool}`;
}
