import type { ServiceSpec } from '#api/types/core.v1.ts';
import { jsonEqual } from '#base/json-equal.ts';

/** The old field for one address and the new one for several say the same; old clients know only the first. */
export function syncedAddresses(next: ServiceSpec, previous: ServiceSpec | undefined): ServiceSpec {
  const { clusterIP = '', clusterIPs = [] } = next;
  const synced = (ip: string, ips: readonly string[]): ServiceSpec => {
    const { clusterIP: _ip, clusterIPs: _ips, ...rest } = next;
    return {
      ...rest,
      ...(ip === '' ? {} : { clusterIP: ip }),
      ...(ips.length === 0 ? {} : { clusterIPs: ips }),
    };
  };
  if (previous === undefined) {
    // What the two say differently is left for validation to tell.
    return clusterIP !== '' && clusterIPs.length === 0 ? synced(clusterIP, [clusterIP]) : next;
  }
  const isSameList = jsonEqual(clusterIPs, previous.clusterIPs ?? []);
  if (clusterIP !== (previous.clusterIP ?? '') && isSameList) {
    // A client that knows one field alone has changed or emptied it.
    return clusterIP === '' ? synced('', []) : synced(clusterIP, [clusterIP]);
  }
  return clusterIP !== '' && clusterIPs.length === 0 && !isSameList ? synced(clusterIP, []) : next;
}

/** What a service of another type has no use for goes, unless the author wrote it anew. */
export function withoutOutgrown(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  const gone = new Set<keyof ServiceSpec>();
  const dropIfSame = (...fields: readonly (keyof ServiceSpec)[]): void => {
    if (fields.every((field) => jsonEqual(next[field], previous[field]))) {
      fields.forEach((field) => gone.add(field));
    }
  };
  if (previous.type !== 'ExternalName' && next.type === 'ExternalName') {
    dropIfSame('clusterIP', 'clusterIPs');
    dropIfSame('ipFamilies');
    dropIfSame('ipFamilyPolicy');
  }
  if (hasHealthCheck(previous) && !hasHealthCheck(next)) {
    dropIfSame('healthCheckNodePort');
  }
  if (previous.type === 'LoadBalancer' && next.type !== 'LoadBalancer') {
    dropIfSame('allocateLoadBalancerNodePorts');
    dropIfSame('loadBalancerClass');
  }
  if (isExternal(previous) && !isExternal(next)) {
    dropIfSame('externalTrafficPolicy');
  }
  const rest = Object.fromEntries(
    Object.entries(next).filter(([field]) => !gone.has(field as keyof ServiceSpec)),
  ) as ServiceSpec;
  return hasNodePorts(previous) && !hasNodePorts(next) ? withoutNodePorts(rest, previous) : rest;
}

function hasHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function hasNodePorts({ type }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer';
}

function isExternal(spec: ServiceSpec): boolean {
  return hasNodePorts(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
}

function withoutNodePorts(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  const numbers = ({ ports }: ServiceSpec): ReadonlySet<number> =>
    new Set((ports ?? []).flatMap(({ nodePort = 0 }) => (nodePort === 0 ? [] : [nodePort])));
  const [after, before] = [numbers(next), numbers(previous)];
  const isSame = after.size === before.size && [...after].every((port) => before.has(port));
  return !isSame || next.ports === undefined
    ? next
    : { ...next, ports: next.ports.map(({ nodePort: _gone, ...port }) => port) };
}
