import type { Node, Pod, Service } from '#api/types/core.v1.ts';
import type { Endpoint, EndpointHints } from '#api/types/discovery.v1.ts';
import { isPodReady } from '../pods/pod-state.ts';
import { hostnameFor, podAddressOfFamily, resolvePorts } from '../service-backends/service-backends.ts';
import type { EndpointGroup } from './slice-packing.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';

interface OpenGroup extends EndpointGroup {
  readonly endpoints: Endpoint[];
}

/** The endpoints of a service in one address family, grouped by the ports that the pods offer. */
export function endpointGroups(
  service: Service,
  pods: readonly Pod[],
  family: 4 | 6,
  nodeOf: (name: string) => Node | undefined,
): readonly EndpointGroup[] {
  const groups = new Map<string, OpenGroup>();
  for (const pod of pods) {
    const endpoint = endpointOf(service, pod, family, nodeOf);
    if (endpoint !== undefined) {
      const ports = resolvePorts(service, pod);
      const key = JSON.stringify(ports);
      const group: OpenGroup = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

function endpointOf(
  service: Service,
  pod: Pod,
  family: 4 | 6,
  nodeOf: (name: string) => Node | undefined,
): Endpoint | undefined {
  const { publishNotReadyAddresses = false } = service.spec;
  const address = podAddressOfFamily(pod, family);
  const { nodeName } = pod.spec;
  const node = nodeOf(nodeName ?? '');
  // A pod whose node is gone serves nobody, whatever its last status says.
  if (address === undefined || (node === undefined && !publishNotReadyAddresses)) {
    return undefined;
  }
  const { namespace, name, uid } = pod.metadata;
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = publishNotReadyAddresses || (serving && !terminating);
  const zone = node?.metadata.labels?.[ZONE_LABEL];
  const hostname = hostnameFor(service, pod);
  const hints = hintsOf(service.spec.trafficDistribution, { ready, zone, nodeName });
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(hints === undefined ? {} : { hints }),
  };
}

function hintsOf(
  distribution: string | undefined,
  { ready, zone, nodeName }: { ready: boolean; zone: string | undefined; nodeName: string | undefined },
): EndpointHints | undefined {
  if (!ready || distribution === undefined || zone === undefined) {
    return undefined;
  }
  const forZones = [{ name: zone }];
  return distribution === 'PreferSameNode' && nodeName !== undefined
    ? { forZones, forNodes: [{ name: nodeName }] }
    : { forZones };
}
