import type { Protocol, Service, ServicePort } from '#api/types/core.v1.ts';
import type { Endpoint, EndpointSlice } from '#api/types/discovery.v1.ts';
import type { NftProtocol } from './ruleset-names.ts';

/** The node whose rules are computed. */
export interface ProxyNode {
  readonly name: string;
  /** Value of the node's `topology.kubernetes.io/zone` label. */
  readonly zone?: string;
}

/** One address behind a service port, as this node sees it. */
export interface ProxyEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly isLocal: boolean;
}

/** Where the traffic of one service port goes. Both lists are in a stable order. */
export interface EndpointPools {
  /** For traffic that may leave this node. */
  readonly cluster: readonly ProxyEndpoint[];
  /** For traffic that must stay on it. */
  readonly local: readonly ProxyEndpoint[];
  /** Whether some node has an endpoint: decides between "refused" and "dropped" when a pool is empty. */
  readonly hasAny: boolean;
}

interface Candidate extends ProxyEndpoint {
  readonly isReady: boolean;
  readonly isServingTerminating: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/**
 * Chooses the endpoints of one service port. Ready ones are used; when none is, those that are terminating
 * but still serve, so that a rolling restart of the last pod drops nothing (KEP-1669). Topology hints narrow
 * the cluster pool only when every ready endpoint has one and some endpoint is meant for here (KEP-2433, KEP-3015).
 */
export function selectEndpoints(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  addressType: 'IPv4' | 'IPv6',
  node: ProxyNode,
): EndpointPools {
  const candidates = candidatesOf(port, slices, addressType, node);
  const ready = candidates.filter(({ isReady }) => isReady);
  const fallback = candidates.filter(({ isServingTerminating }) => isServingTerminating);
  const cluster = ready.length > 0 ? nearest(ready, node) : fallback;
  const localReady = ready.filter(({ isLocal }) => isLocal);
  const local = localReady.length > 0 ? localReady : fallback.filter(({ isLocal }) => isLocal);
  return {
    cluster: cluster.map(plain),
    local: local.map(plain),
    hasAny: ready.length > 0 || fallback.length > 0,
  };
}

/** The protocol of a service or endpoint port; TCP when left out. */
export function protocolOf(port: { readonly protocol?: Protocol }): NftProtocol {
  switch (port.protocol) {
    case 'UDP':
      return 'udp';
    case 'SCTP':
      return 'sctp';
    default:
      return 'tcp';
  }
}

/** Whatever the value: another proxy serves it, or none does. */
const NOT_OURS = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'];

/** Whether the service has addresses that this proxy serves: not headless, not a mere name, not somebody else's. */
export function isProxied({ metadata, spec }: Service): boolean {
  return (
    spec.type !== 'ExternalName' &&
    spec.clusterIP !== undefined &&
    spec.clusterIP !== '' &&
    spec.clusterIP !== 'None' &&
    !NOT_OURS.some((label) => Object.hasOwn(metadata.labels ?? {}, label))
  );
}

function candidatesOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  addressType: string,
  node: ProxyNode,
): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    const slicePort = slice.ports?.find(
      (candidate) =>
        (candidate.name ?? '') === (port.name ?? '') && protocolOf(candidate) === protocolOf(port),
    )?.port;
    if (slice.addressType !== addressType || slicePort === undefined) {
      continue;
    }
    for (const endpoint of slice.endpoints ?? []) {
      const candidate = toCandidate(endpoint, slicePort, node);
      if (candidate === undefined) {
        continue;
      }
      const key = `${candidate.ip} ${candidate.port}`;
      // An endpoint may be in two slices for a moment while it moves; the one that takes traffic counts.
      if (!found.has(key) || candidate.isReady) {
        found.set(key, candidate);
      }
    }
  }
  return [...found].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, candidate]) => candidate);
}

function toCandidate(endpoint: Endpoint, port: number, node: ProxyNode): Candidate | undefined {
  const ip = endpoint.addresses[0];
  if (ip === undefined) {
    return undefined;
  }
  const { ready = true, serving = true, terminating = false } = endpoint.conditions;
  return {
    ip,
    port,
    isLocal: endpoint.nodeName === node.name,
    isReady: ready,
    isServingTerminating: serving && terminating,
    zones: endpoint.hints?.forZones?.map(({ name }) => name) ?? [],
    nodes: endpoint.hints?.forNodes?.map(({ name }) => name) ?? [],
  };
}

function nearest(ready: readonly Candidate[], node: ProxyNode): readonly Candidate[] {
  const onNode = ready.filter(({ nodes }) => nodes.includes(node.name));
  if (onNode.length > 0 && ready.every(({ nodes }) => nodes.length > 0)) {
    return onNode;
  }
  const { zone } = node;
  if (zone === undefined) {
    return ready;
  }
  const inZone = ready.filter(({ zones }) => zones.includes(zone));
  return inZone.length > 0 && ready.every(({ zones }) => zones.length > 0) ? inZone : ready;
}

function plain({ ip, port, isLocal }: Candidate): ProxyEndpoint {
  return { ip, port, isLocal };
}
