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
  type ProxyEndpoint,
  type ProxyNode,
} from './endpoint-pools.ts';
import type { NftFamily } from './nft-transaction.ts';
import type { RuleChain, RuleElement, RuleSet, ServiceRules } from './rules.ts';
import { MASQUERADE_CHAIN, REJECT_CHAIN, SETS } from './ruleset-names.ts';

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
  readonly protocol: 'tcp' | 'udp' | 'sctp';
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
 * that count and finds the endpoint under (address, protocol, port, number). So a change costs a few elements
 * however many services there are, and the kernel has few chains to check.
 *
 *     services:   10.96.0.7 . tcp . 80      → goto cluster-2
 *     endpoints:  10.96.0.7 . tcp . 80 . 0  → 10.244.0.5 . 8080
 *                 10.96.0.7 . tcp . 80 . 1  → 10.244.1.9 . 8080
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
    addClusterIp(collector, plan, ip, isInternalLocal);
  }
  for (const ip of externalAddresses(service, context.family)) {
    addExternal(collector, plan, virtualKey(ip, plan), VIRTUAL_ADDRESS);
  }
  for (const ip of loadBalancerAddresses(service, context.family)) {
    addFirewall(collector, plan, service, ip);
  }
  if (port.nodePort !== undefined && port.nodePort > 0) {
    addExternal(collector, plan, `${protocol} . ${port.nodePort}`, NODE_PORT);
  }
  for (const { ip, isLocal } of [...pools.cluster, ...pools.local]) {
    if (isLocal) {
      collector.elements.push({ set: SETS.hairpin, key: `${ip} . ${ip}`, value: '' });
    }
  }
}

function addClusterIp(collector: Collector, plan: PortPlan, ip: string, isLocalOnly: boolean): void {
  const key = virtualKey(ip, plan);
  const endpoints = isLocalOnly ? plan.pools.local : plan.pools.cluster;
  if (endpoints.length === 0) {
    addRefusal(collector, { set: SETS.refused, key, isDropped: isLocalOnly && plan.pools.hasAny });
    return;
  }
  const affinity = isLocalOnly ? plan.affinity?.local : plan.affinity?.cluster;
  const name = affinity === undefined ? `cluster-${endpoints.length}` : `cluster-${plan.id}`;
  const { family, clusterCidrs } = collector.context;
  const outside =
    clusterCidrs.length === 0
      ? []
      : [`${family} saddr != { ${clusterCidrs.join(', ')} } jump ${MASQUERADE_CHAIN}`];
  const rules = [...outside, spread(collector, VIRTUAL_ADDRESS, SETS.endpoints, affinity ?? endpoints)];
  addEntry(collector, SETS.services, key, { name, rules });
  if (affinity === undefined) {
    addPool(collector, SETS.endpoints, key, endpoints);
  }
}

/** How a destination is looked up: by address and port, or by port alone on any address of the node. */
interface Destination {
  readonly entries: string;
  readonly refused: string;
  readonly endpoints: string;
  readonly localEndpoints: string;
  readonly chainPrefix: string;
  readonly hasAddress: boolean;
}

const VIRTUAL_ADDRESS: Destination = {
  entries: SETS.services,
  refused: SETS.refused,
  endpoints: SETS.endpoints,
  localEndpoints: SETS.localEndpoints,
  chainPrefix: 'external',
  hasAddress: true,
};

const NODE_PORT: Destination = {
  entries: SETS.nodePorts,
  refused: SETS.refusedNodePorts,
  endpoints: SETS.nodePortEndpoints,
  localEndpoints: SETS.localNodePortEndpoints,
  chainPrefix: 'node-port',
  hasAddress: false,
};

/** An external IP, a load balancer's IP, or a node port. */
function addExternal(collector: Collector, plan: PortPlan, key: string, to: Destination): void {
  const { cluster, local } = plan.pools;
  if (cluster.length === 0) {
    addRefusal(collector, { set: to.refused, key, isDropped: false });
    return;
  }
  const anywhere = spread(collector, to, to.endpoints, plan.affinity?.cluster ?? cluster);
  if (plan.affinity === undefined) {
    addPool(collector, to.endpoints, key, cluster);
  }
  if (!plan.isExternalLocal) {
    const name = `${to.chainPrefix}-${plan.affinity === undefined ? cluster.length : plan.id}`;
    addEntry(collector, to.entries, key, { name, rules: [`jump ${MASQUERADE_CHAIN}`, anywhere] });
    return;
  }
  const counts = plan.affinity === undefined ? `${cluster.length}-${local.length}` : plan.id;
  const here =
    local.length === 0 ? 'drop' : spread(collector, to, to.localEndpoints, plan.affinity?.local ?? local);
  if (plan.affinity === undefined) {
    addPool(collector, to.localEndpoints, key, local);
  }
  const { family, clusterCidrs } = collector.context;
  // Pods and the node itself are inside the cluster: the policy is about traffic from outside.
  const fromPods =
    clusterCidrs.length === 0 ? [] : [`${family} saddr { ${clusterCidrs.join(', ')} } ${anywhere}`];
  addEntry(collector, to.entries, key, {
    name: `${to.chainPrefix}-local-${counts}`,
    rules: [
      ...fromPods,
      `fib saddr type local jump ${MASQUERADE_CHAIN}`,
      `fib saddr type local ${anywhere}`,
      here,
    ],
  });
}

/** The statement that sends a packet to one of the endpoints. */
function spread(
  { context: { family } }: Collector,
  { hasAddress }: Destination,
  pool: string,
  endpoints: readonly ProxyEndpoint[] | AffinityPool,
): string {
  if ('chain' in endpoints) {
    return `goto ${endpoints.chain}`;
  }
  const address = hasAddress ? `${family} daddr . ` : '';
  const lookup = `${address}meta l4proto . th dport . numgen random mod ${endpoints.length} map @${pool}`;
  return `dnat ${family} to ${lookup}`;
}

function addPool(
  { elements }: Collector,
  set: string,
  key: string,
  endpoints: readonly ProxyEndpoint[],
): void {
  for (const [index, { ip, port }] of endpoints.entries()) {
    elements.push({ set, key: `${key} . ${index}`, value: `${ip} . ${port}` });
  }
}

function addEntry({ elements, chains }: Collector, set: string, key: string, chain: RuleChain): void {
  chains.set(chain.name, chain);
  elements.push({ set, key, value: `goto ${chain.name}` });
}

function addRefusal(
  { elements }: Collector,
  refusal: { readonly set: string; readonly key: string; readonly isDropped: boolean },
): void {
  const value = refusal.isDropped ? 'drop' : `goto ${REJECT_CHAIN}`;
  elements.push({ set: refusal.set, key: refusal.key, value });
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
  collector.elements.push({ set: SETS.firewall, key: virtualKey(ip, plan), value: `goto ${name}` });
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
  const poolOf = (kind: 'cluster' | 'local'): AffinityPool => {
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

function virtualKey(ip: string, { protocol, port }: PortPlan): string {
  return `${ip} . ${protocol} . ${port}`;
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
