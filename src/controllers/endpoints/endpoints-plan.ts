import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from '#api/types/core.v1.ts';
import { isPodReady } from '../pods/pod-state.ts';
import {
  familiesOf,
  hostnameFor,
  podAddressOfFamily,
  resolvePorts,
  type ResolvedPort,
} from '../service-backends/service-backends.ts';

/** Addresses one Endpoints object holds; EndpointSlices have them all. */
export const ADDRESSES_MAX = 1_000;

interface Backend {
  readonly address: EndpointAddress;
  readonly isReady: boolean;
  readonly ports: readonly ResolvedPort[];
}

/** The subsets of a service: addresses that offer the same ports stand together, in a fixed order. */
export function endpointSubsets(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const backends = pods
    .flatMap((pod) => backendOf(service, pod))
    .sort(byReadinessAndAddress)
    .slice(0, ADDRESSES_MAX);
  const isPortless = (service.spec.ports ?? []).length === 0;
  const byBackends = new Map<
    string,
    { readonly ports: ResolvedPort[]; readonly backends: readonly Backend[] }
  >();
  for (const port of isPortless ? [undefined] : distinctPorts(backends)) {
    const offering =
      port === undefined ? backends : backends.filter(({ ports }) => ports.some(isSamePort(port)));
    const key = offering.map(({ address }) => address.ip).join();
    const group = byBackends.get(key) ?? { ports: [], backends: offering };
    byBackends.set(key, { ...group, ports: port === undefined ? [] : [...group.ports, port] });
  }
  return [...byBackends.values()].filter(({ backends: all }) => all.length > 0).map(subsetOf);
}

function backendOf(service: Service, pod: Pod): readonly Backend[] {
  const { publishNotReadyAddresses = false } = service.spec;
  const [family = 4] = familiesOf(service);
  const ip = podAddressOfFamily(pod, family);
  if (ip === undefined || (pod.metadata.deletionTimestamp !== undefined && !publishNotReadyAddresses)) {
    return [];
  }
  const { namespace, name, uid } = pod.metadata;
  const hostname = hostnameFor(service, pod);
  const { nodeName } = pod.spec;
  const address: EndpointAddress = {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
  return [
    { address, isReady: publishNotReadyAddresses || isPodReady(pod), ports: resolvePorts(service, pod) },
  ];
}

function subsetOf({
  ports,
  backends,
}: {
  readonly ports: readonly ResolvedPort[];
  readonly backends: readonly Backend[];
}): EndpointSubset {
  const addresses = backends.filter(({ isReady }) => isReady).map(({ address }) => address);
  const notReadyAddresses = backends.filter(({ isReady }) => !isReady).map(({ address }) => address);
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(ports.length === 0 ? {} : { ports: ports.map(subsetPort) }),
  };
}

/** A service's only port may have no name, and then has none here. */
function subsetPort({ name, ...rest }: ResolvedPort): EndpointPort {
  return name === '' ? rest : { name, ...rest };
}

function distinctPorts(backends: readonly Backend[]): readonly ResolvedPort[] {
  const ports: ResolvedPort[] = [];
  for (const port of backends.flatMap((backend) => backend.ports)) {
    if (!ports.some(isSamePort(port))) {
      ports.push(port);
    }
  }
  return ports.sort((left, right) =>
    left.name < right.name ? -1 : left.name > right.name ? 1 : left.port - right.port,
  );
}

function isSamePort(port: ResolvedPort): (other: ResolvedPort) => boolean {
  return ({ name, port: number, protocol }) =>
    name === port.name && number === port.port && protocol === port.protocol;
}

/** Ready ones first, so that a cut leaves those out that serve nobody. */
function byReadinessAndAddress(left: Backend, right: Backend): number {
  return (
    Number(right.isReady) - Number(left.isReady) ||
    (left.address.ip < right.address.ip ? -1 : left.address.ip > right.address.ip ? 1 : 0)
  );
}
