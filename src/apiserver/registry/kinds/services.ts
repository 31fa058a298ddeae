import type { Service, ServicePort, ServiceSpec } from '#api/types/core.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { internalError, invalid, type FieldError } from '#api/status-error.ts';
import type { Cidr } from '#base/ip.ts';
import type { Random } from '#base/random.ts';
import { defaultStrategy, onlyStatus, withStatus } from '../default-strategy.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { syncedAddresses, withoutOutgrown } from './service-fields.ts';
import { NumberAllocator, reservedAddresses, reservedPorts } from './number-allocator.ts';

/** Addresses and ports that services hold. One per server; filled from the stored services at start. */
export class ServiceAllocators {
  readonly cidr: Cidr;
  readonly addresses: NumberAllocator;
  readonly ports: NumberAllocator;
  readonly portRange: { readonly first: number; readonly size: number };

  constructor({
    cidr,
    portRange,
    random,
  }: {
    cidr: Cidr;
    portRange: { first: number; size: number };
    random: Random;
  }) {
    this.cidr = cidr;
    this.portRange = portRange;
    // The network's own address and the broadcast one are never handed out.
    const size = Math.min(Number(cidr.size) - 2, 2 ** 24);
    this.addresses = new NumberAllocator({ first: 1, size, reserved: reservedAddresses(size), random });
    this.ports = new NumberAllocator({ ...portRange, reserved: reservedPorts(portRange.size), random });
  }

  /** Takes what a stored service holds, at start. */
  adopt(service: Service): void {
    for (const ip of clusterIps(service.spec)) {
      const index = this.cidr.indexOf(ip);
      if (index !== undefined) {
        this.addresses.take(Number(index));
      }
    }
    nodePortsOf(service.spec).forEach((port) => this.ports.take(port));
  }

  release(spec: ServiceSpec): void {
    for (const ip of clusterIps(spec)) {
      const index = this.cidr.indexOf(ip);
      if (index !== undefined) {
        this.addresses.release(Number(index));
      }
    }
    nodePortsOf(spec).forEach((port) => this.ports.release(port));
  }
}

export function serviceStrategy(info: ResourceInfo, allocators: ServiceAllocators): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: {
      'spec.clusterIP': (object) => asService(object).spec.clusterIP ?? '',
      'spec.type': (object) => asService(object).spec.type ?? '',
    },
    prepareCreate: (object) => {
      const synced = withStatus(
        { ...object, spec: syncedAddresses(asService(object).spec, undefined) },
        { loadBalancer: {} },
      );
      refuseWrong(info, synced, base.validateCreate(synced));
      return { ...synced, spec: allocate(asService(synced), undefined, allocators) };
    },
    prepareUpdate: (next, current, subresource) => {
      if (subresource === 'status') {
        return onlyStatus(next, current);
      }
      const before = asService(current).spec;
      const synced = syncedAddresses(asService(next).spec, before);
      const kept = withoutOutgrown(keepAllocations(synced, before), before);
      const status = kept.type === 'LoadBalancer' ? current['status'] : { loadBalancer: {} };
      const changed = withStatus({ ...next, spec: kept }, status);
      refuseWrong(info, changed, base.validateUpdate(changed, current, subresource));
      return { ...changed, spec: allocate(asService(changed), before, allocators) };
    },
    // What is to be stored has been checked by now: before anything was allocated for it.
    validateCreate: () => [],
    validateUpdate: (next, current, subresource) =>
      subresource === 'status' ? base.validateUpdate(next, current, subresource) : [],
    afterDelete: (object) => allocators.release(asService(object).spec),
  };
}

/** @throws {StatusError} Invalid when there are errors */
function refuseWrong(info: ResourceInfo, service: DraftObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) {
    throw invalid(info, service.metadata.name ?? '', errors);
  }
}

function needsClusterIp({ type }: ServiceSpec): boolean {
  return type !== 'ExternalName';
}

function needsNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
}

function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

/** An update that leaves the address or node ports out keeps those it has. */
function keepAllocations(next: ServiceSpec, current: ServiceSpec): ServiceSpec {
  let kept = next;
  if (
    needsClusterIp(next) &&
    needsClusterIp(current) &&
    (next.clusterIP ?? '') === '' &&
    current.clusterIP !== undefined
  ) {
    kept = {
      ...kept,
      clusterIP: current.clusterIP,
      ...(current.clusterIPs === undefined ? {} : { clusterIPs: current.clusterIPs }),
    };
  }
  if (needsNodePorts(next) && needsNodePorts(current)) {
    const held = new Map((current.ports ?? []).map((port) => [portKey(port), port.nodePort]));
    const ports = (kept.ports ?? []).map((port) => {
      const nodePort = held.get(portKey(port));
      return (port.nodePort ?? 0) === 0 && nodePort !== undefined ? { ...port, nodePort } : port;
    });
    kept = { ...kept, ports };
  }
  if (needsHealthCheck(next) && needsHealthCheck(current) && (next.healthCheckNodePort ?? 0) === 0) {
    kept = { ...kept, healthCheckNodePort: current.healthCheckNodePort ?? 0 };
  }
  return kept;
}

function portKey({ protocol, port }: ServicePort): string {
  return `${protocol ?? 'TCP'}/${port}`;
}

/**
 * Completes a spec with addresses and ports, taking new ones and giving back those no longer used.
 *
 * @throws {StatusError} Invalid for an address or port that is taken or out of range; nothing stays taken then
 */
function allocate(
  service: Service,
  previous: ServiceSpec | undefined,
  allocators: ServiceAllocators,
): ServiceSpec {
  const taken: (() => void)[] = [];
  try {
    const withIp = allocateIp(service, previous, allocators, taken);
    const spec = allocatePorts({ ...service, spec: withIp }, previous, allocators, taken);
    if (previous !== undefined) {
      releaseUnused(previous, spec, allocators);
    }
    return spec;
  } catch (error) {
    taken.forEach((undo) => undo());
    throw error;
  }
}

function allocateIp(
  service: Service,
  previous: ServiceSpec | undefined,
  allocators: ServiceAllocators,
  taken: (() => void)[],
): ServiceSpec {
  const { spec } = service;
  if (!needsClusterIp(spec)) {
    return spec;
  }
  const families = {
    ipFamilies: [allocators.cidr.family === 4 ? 'IPv4' : 'IPv6'],
    ipFamilyPolicy: 'SingleStack',
  } as const;
  const wanted = spec.clusterIP ?? spec.clusterIPs?.[0] ?? '';
  if (wanted === 'None') {
    const { ipFamilies = families.ipFamilies, ipFamilyPolicy = families.ipFamilyPolicy } = spec;
    return { ...spec, clusterIP: 'None', clusterIPs: ['None'], ipFamilies, ipFamilyPolicy };
  }
  const index =
    wanted === '' ? allocators.addresses.next() : explicitIndex(service, wanted, previous, allocators);
  if (index === undefined) {
    throw internalError('failed to allocate a serviceIP: range is full');
  }
  const ip = allocators.cidr.at(index) ?? wanted;
  if (!clusterIps(previous ?? {}).includes(ip)) {
    taken.push(() => allocators.addresses.release(index));
  }
  return { ...spec, clusterIP: ip, clusterIPs: [ip], ...families };
}

function explicitIndex(
  service: Service,
  ip: string,
  previous: ServiceSpec | undefined,
  allocators: ServiceAllocators,
): number {
  const refuse = (detail: string): never =>
    refuseField(service, [{ path: 'spec.clusterIPs', reason: 'FieldValueInvalid', badValue: [ip], detail }]);
  const index = allocators.cidr.indexOf(ip);
  if (index === undefined) {
    return refuse(
      `failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${allocators.cidr.toString()}`,
    );
  }
  if (!clusterIps(previous ?? {}).includes(ip) && !allocators.addresses.take(Number(index))) {
    return refuse(`failed to allocate IP ${ip}: provided IP is already allocated`);
  }
  return Number(index);
}

function allocatePorts(
  service: Service,
  previous: ServiceSpec | undefined,
  allocators: ServiceAllocators,
  taken: (() => void)[],
): ServiceSpec {
  const { spec } = service;
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') {
    return spec;
  }
  const isAutomatic = needsNodePorts(spec);
  const held = new Set(nodePortsOf(previous ?? {}));
  const mine = new Map<number, string>();
  const ports = (spec.ports ?? []).map((port, index) => {
    const protocol = port.protocol ?? 'TCP';
    const wanted = port.nodePort ?? 0;
    if (wanted === 0 && !isAutomatic) {
      return port;
    }
    // One number may serve two protocols of the same service.
    const isShared = wanted !== 0 && mine.has(wanted) && mine.get(wanted) !== protocol;
    const nodePort = wanted === 0 ? allocators.ports.next() : wanted;
    if (nodePort === undefined) {
      throw internalError('failed to allocate a nodePort: range is full');
    }
    if (wanted !== 0 && !held.has(wanted) && !isShared) {
      takePort(service, `spec.ports[${index}].nodePort`, wanted, allocators);
    }
    if (!held.has(nodePort)) {
      taken.push(() => allocators.ports.release(nodePort));
    }
    mine.set(nodePort, protocol);
    return { ...port, nodePort };
  });
  const withPorts = spec.ports === undefined ? spec : { ...spec, ports };
  return allocateHealthPort({ ...service, spec: withPorts }, held, allocators, taken);
}

/** The port at which a balancer asks a node whether it has pods of the service. */
function allocateHealthPort(
  service: Service,
  held: ReadonlySet<number>,
  allocators: ServiceAllocators,
  taken: (() => void)[],
): ServiceSpec {
  const { spec } = service;
  if (!needsHealthCheck(spec)) {
    return spec;
  }
  const wanted = spec.healthCheckNodePort ?? 0;
  const healthCheckNodePort = wanted === 0 ? allocators.ports.next() : wanted;
  if (healthCheckNodePort === undefined) {
    throw internalError('failed to allocate a HealthCheck NodePort: range is full');
  }
  if (wanted !== 0 && !held.has(wanted)) {
    takePort(service, 'spec.healthCheckNodePort', wanted, allocators);
  }
  if (!held.has(healthCheckNodePort)) {
    taken.push(() => allocators.ports.release(healthCheckNodePort));
  }
  return { ...spec, healthCheckNodePort };
}

function takePort(
  service: Service,
  path: string,
  port: number,
  { ports, portRange }: ServiceAllocators,
): void {
  if (!ports.contains(port)) {
    const range = `${portRange.first}-${portRange.first + portRange.size - 1}`;
    refuseField(service, [
      {
        path,
        reason: 'FieldValueInvalid',
        badValue: port,
        detail: `provided port is not in the valid range. The range of valid ports is ${range}`,
      },
    ]);
  }
  if (!ports.take(port)) {
    refuseField(service, [
      { path, reason: 'FieldValueInvalid', badValue: port, detail: 'provided port is already allocated' },
    ]);
  }
}

function releaseUnused(previous: ServiceSpec, next: ServiceSpec, allocators: ServiceAllocators): void {
  const keptIps = clusterIps(next);
  const keptPorts = new Set(nodePortsOf(next));
  const clusterIP = clusterIps(previous).find((ip) => !keptIps.includes(ip));
  allocators.release({
    ...(clusterIP === undefined ? {} : { clusterIP }),
    ports: (previous.ports ?? []).filter(
      ({ nodePort }) => nodePort !== undefined && !keptPorts.has(nodePort),
    ),
    ...(previous.healthCheckNodePort === undefined || keptPorts.has(previous.healthCheckNodePort)
      ? {}
      : { healthCheckNodePort: previous.healthCheckNodePort }),
  });
}

function clusterIps({ clusterIP, clusterIPs }: Partial<ServiceSpec>): readonly string[] {
  const all = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return all.filter((ip) => ip !== '' && ip !== 'None');
}

function nodePortsOf({ ports, healthCheckNodePort }: Partial<ServiceSpec>): readonly number[] {
  const all = [...(ports ?? []).map(({ nodePort }) => nodePort), healthCheckNodePort];
  return all.flatMap((port) => (port === undefined || port === 0 ? [] : [port]));
}

function refuseField(service: Service, errors: readonly FieldError[]): never {
  throw invalid({ group: '', kind: 'Service' }, service.metadata.name, errors);
}

function asService(object: DraftObject): Service {
  return object as unknown as Service;
}
