import { hash } from 'node:crypto';
import type { Service, ServicePort } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import { canonicalIp, Cidr, familyOfIp } from '#base/ip.ts';
import { affinityPool, type AffinityPool } from './affinity-rules.ts';
import {
  isProxied,
  protocolOf,
  selectEndpoints,
  type EndpointPools,
  type ProxyNode,
} from './endpoint-pools.ts';
import type { NftFamily } from './nft-transaction.ts';
import type { RuleChain, RuleElement, RuleSet, ServiceRules } from './rules.ts';
import { MASQUERADE_CHAIN, poolName, REJECT_CHAIN, SETS, type NftProtocol } from './ruleset-names.ts';

/** What the rules depend on besides the service and its endpoints. */
export interface RulesContext {
  readonly family: NftFamily;
  readonly node: ProxyNode;
  /** Ranges that pods have addresses from; what comes from elsewhere is masqueraded on its way to a cluster IP. */
  readonly clusterCidrs: readonly string[];
}

interface Collector {
  readonly context: RulesContext;
  readonly elements: RuleElement[];
  readonly chains: Map<string, RuleChain>;
  readonly sets: RuleSet[];
}

/** One service port with what is known about its traffic. */
interface PortPlan {
  readonly id: string;
  readonly protocol: NftProtocol;
  readonly port: number;
  readonly pools: EndpointPools;
  readonly isExternalLocal: boolean;
  readonly affinity: { readonly cluster: AffinityPool; readonly local: AffinityPool } | undefined;
}

/**
 * The rules of one service on one node.
 *
 * A service adds elements to maps and, unless it has session affinity, no chain of its own: its entry in the
 * `services` map leads to a chain shared by all services with as many endpoints, which draws a number below
 * that count and finds the endpoint under (address, port, number). So a change costs a few elements however
 * many services there are, and the kernel has few chains to check.
 *
 *     services:       10.96.0.7 . tcp . 80  → goto cluster-tcp-2
 *     tcp-endpoints:  10.96.0.7 . 80 . 0    → 10.244.0.5 . 8080
 *                     10.96.0.7 . 80 . 1    → 10.244.1.9 . 8080
 */
export function planService(
  service: Service,
  slices: readonly EndpointSlice[],
  context: RulesContext,
): ServiceRules {
  const collector: Collector = { context, elements: [], chains: new Map(), sets: [] };
  if (isProxied(service)) {
    const clusterIps = ofFamily(service.spec.clusterIPs ?? [service.spec.clusterIP ?? ''], context.family);
    for (const ip of clusterIps) {
      collector.elements.push({ set: SETS.clusterIps, key: ip, value: '' });
    }
    if (clusterIps.length > 0) {
      for (const port of service.spec.ports ?? []) {
        addPort(collector, service, port, { slices, clusterIps });
      }
    }
  }
  return { elements: collector.elements, chains: [...collector.chains.values()], sets: collector.sets };
}

function addPort(
  collector: Collector,
  service: Service,
  port: ServicePort,
  found: { readonly slices: readonly EndpointSlice[]; readonly clusterIps: readonly string[] },
): void {
  const { context } = collector;
  const addressType = context.family === 'ip' ? 'IPv4' : 'IPv6';
  const pools = selectEndpoints(port, found.slices, addressType, context.node);
  const protocol = protocolOf(port);
  const id = portId(service, port);
  const plan: PortPlan = {
    id,
    protocol,
    port: port.port,
    pools,
    isExternalLocal: service.spec.externalTrafficPolicy === 'Local',
    affinity: affinityOf(collector, service, { id, protocol, pools }),
  };
  const isInternalLocal = service.spec.internalTrafficPolicy === 'Local';
  for (const ip of found.clusterIps) {
    addClusterIp(collector, plan, { ip, port: port.port }, isInternalLocal);
  }
  for (const ip of externalAddresses(service, context.family)) {
    addExternal(collector, plan, { ip, port: port.port });
  }
  for (const ip of loadBalancerAddresses(service, context.family)) {
    addFirewall(collector, plan, service, ip);
  }
  if (port.nodePort !== undefined && port.nodePort > 0) {
    addExternal(collector, plan, { port: port.nodePort });
  }
  for (const { ip, isLocal } of [...pools.cluster, ...pools.local]) {
    if (isLocal) {
      collector.elements.push({ set: SETS.hairpin, key: `${ip} . ${ip}`, value: '' });
    }
  }
}

/** Where a packet was sent to. Without an address it is a port on any address of the node. */
interface Destination {
  readonly ip?: string;
  readonly port: number;
}

type PoolKind = 'cluster' | 'local';

function addClusterIp(
  collector: Collector,
  plan: PortPlan,
  destination: Destination,
  isLocalOnly: boolean,
): void {
  const kind = isLocalOnly ? 'local' : 'cluster';
  const count = plan.pools[kind].length;
  if (count === 0) {
    addRefusal(collector, plan, destination, { isDropped: isLocalOnly && plan.pools.hasAny });
    return;
  }
  const { family, clusterCidrs } = collector.context;
  const outside =
    clusterCidrs.length === 0
      ? []
      : [`${family} saddr != { ${clusterCidrs.join(', ')} } jump ${MASQUERADE_CHAIN}`];
  addEntry(collector, plan, destination, {
    name: `cluster-${isLocalOnly ? 'local-' : ''}${sharedBy(plan, count)}`,
    rules: [...outside, addPool(collector, plan, destination, kind)],
  });
}

/** An external IP, a load balancer's IP, or a node port. */
function addExternal(collector: Collector, plan: PortPlan, destination: Destination): void {
  const { cluster, local } = plan.pools;
  if (cluster.length === 0) {
    addRefusal(collector, plan, destination, { isDropped: false });
    return;
  }
  const prefix = destination.ip === undefined ? 'node-port' : 'external';
  const anywhere = addPool(collector, plan, destination, 'cluster');
  if (!plan.isExternalLocal) {
    addEntry(collector, plan, destination, {
      name: `${prefix}-${sharedBy(plan, cluster.length)}`,
      rules: [`jump ${MASQUERADE_CHAIN}`, anywhere],
    });
    return;
  }
  const { family, clusterCidrs } = collector.context;
  // Pods and the node itself are inside the cluster: the policy is about traffic from outside.
  const fromPods =
    clusterCidrs.length === 0 ? [] : [`${family} saddr { ${clusterCidrs.join(', ')} } ${anywhere}`];
  addEntry(collector, plan, destination, {
    name: `${prefix}-local-${sharedBy(plan, cluster.length, local.length)}`,
    rules: [
      ...fromPods,
      `fib saddr type local jump ${MASQUERADE_CHAIN}`,
      `fib saddr type local ${anywhere}`,
      local.length === 0 ? 'drop' : addPool(collector, plan, destination, 'local'),
    ],
  });
}

/** Makes a pool known under a destination, and returns the statement that sends a packet to one of it. */
function addPool(
  { context: { family }, elements }: Collector,
  plan: PortPlan,
  destination: Destination,
  kind: PoolKind,
): string {
  if (plan.affinity !== undefined) {
    return `goto ${plan.affinity[kind].chain}`;
  }
  const { protocol } = plan;
  const { ip, port } = destination;
  const endpoints = plan.pools[kind];
  const set = poolName(protocol, poolSet(destination, kind));
  for (const [index, endpoint] of endpoints.entries()) {
    const key = ip === undefined ? `${port} . ${index}` : `${ip} . ${port} . ${index}`;
    elements.push({ set, key, value: `${endpoint.ip} . ${endpoint.port}` });
  }
  const address = ip === undefined ? '' : `${family} daddr . `;
  return `dnat ${family} to ${address}${protocol} dport . numgen random mod ${endpoints.length} map @${set}`;
}

function poolSet({ ip }: Destination, kind: PoolKind): string {
  if (ip === undefined) {
    return kind === 'cluster' ? SETS.nodePortEndpoints : SETS.localNodePortEndpoints;
  }
  return kind === 'cluster' ? SETS.endpoints : SETS.localEndpoints;
}

/** What the name of a chain ends in: all that its rules depend on, or the one service port with affinity. */
function sharedBy({ protocol, affinity, id }: PortPlan, ...counts: readonly number[]): string {
  return affinity === undefined ? `${protocol}-${counts.join('-')}` : id;
}

function addEntry(
  { elements, chains }: Collector,
  plan: PortPlan,
  destination: Destination,
  chain: RuleChain,
): void {
  chains.set(chain.name, chain);
  const set = destination.ip === undefined ? SETS.nodePorts : SETS.services;
  elements.push({ set, key: destinationKey(plan, destination), value: `goto ${chain.name}` });
}

function addRefusal(
  { elements }: Collector,
  plan: PortPlan,
  destination: Destination,
  { isDropped }: { readonly isDropped: boolean },
): void {
  const set = destination.ip === undefined ? SETS.refusedNodePorts : SETS.refused;
  const value = isDropped ? 'drop' : `goto ${REJECT_CHAIN}`;
  elements.push({ set, key: destinationKey(plan, destination), value });
}

function destinationKey({ protocol }: PortPlan, { ip, port }: Destination): string {
  return ip === undefined ? `${protocol} . ${port}` : `${ip} . ${protocol} . ${port}`;
}

function addFirewall(collector: Collector, plan: PortPlan, service: Service, ip: string): void {
  const { family } = collector.context;
  const wanted = (service.spec.loadBalancerSourceRanges ?? []).map((text) => Cidr.parse(text.trim()));
  if (wanted.length === 0) {
    return;
  }
  const version = family === 'ip' ? 4 : 6;
  const ranges = wanted.flatMap((range) => (range?.family === version ? [range.toString()] : []));
  const name = `firewall-${plan.id}`;
  const rules = ranges.length === 0 ? ['drop'] : [`${family} saddr != { ${ranges.join(', ')} } drop`];
  collector.chains.set(name, { name, rules });
  collector.elements.push({
    set: SETS.firewall,
    key: destinationKey(plan, { ip, port: plan.port }),
    value: `goto ${name}`,
  });
}

function affinityOf(
  collector: Collector,
  { spec }: Service,
  port: Pick<PortPlan, 'id' | 'protocol' | 'pools'>,
): PortPlan['affinity'] {
  if (spec.sessionAffinity !== 'ClientIP') {
    return undefined;
  }
  const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS_DEFAULT;
  const poolOf = (kind: PoolKind): AffinityPool => {
    const pool = affinityPool({
      id: `${kind}-${port.id}`,
      family: collector.context.family,
      protocol: port.protocol,
      endpoints: port.pools[kind],
      timeoutSeconds,
    });
    if (port.pools[kind].length > 0) {
      pool.chains.forEach((chain) => collector.chains.set(chain.name, chain));
      collector.sets.push(...pool.sets);
    }
    return pool;
  };
  return { cluster: poolOf('cluster'), local: poolOf('local') };
}

/** Three hours, the API's default. */
const AFFINITY_SECONDS_DEFAULT = 10_800;

/** Names a service port inside the table; short, because every name is sent and compared often. */
function portId({ metadata: { namespace, name } }: Service, port: ServicePort): string {
  return hash('sha256', `${namespace}/${name}:${port.name ?? ''}:${protocolOf(port)}`).slice(0, 16);
}

function externalAddresses(service: Service, family: NftFamily): readonly string[] {
  const addresses = [...(service.spec.externalIPs ?? []), ...loadBalancerAddresses(service, family)];
  return [...new Set(ofFamily(addresses, family))];
}

/** Addresses of a balancer that hands packets on unchanged; one that is a proxy itself is none of ours. */
function loadBalancerAddresses({ spec, status }: Service, family: NftFamily): readonly string[] {
  if (spec.type !== 'LoadBalancer') {
    return [];
  }
  return ofFamily(
    (status.loadBalancer.ingress ?? []).flatMap(({ ip, ipMode = 'VIP' }) =>
      ip !== undefined && ipMode === 'VIP' ? [ip] : [],
    ),
    family,
  );
}

function ofFamily(addresses: readonly string[], family: NftFamily): readonly string[] {
  return addresses.flatMap((address) => {
    const canonical = canonicalIp(address);
    return canonical !== undefined && familyOfIp(canonical) === (family === 'ip' ? 4 : 6) ? [canonical] : [];
  });
}
