import type { EndpointPort, EndpointSlice } from '#api/types/discovery.v1.ts';
import { canonicalIp } from '#base/ip.ts';
import { serviceOfSlice, type ClusterRecords } from './cluster-records.ts';
import { ipToDashed } from './reverse-name.ts';

/** One endpoint of a service with the label it is known under. */
export interface NamedEndpoint {
  /** The pod's own host name, or its address with dashes. */
  readonly hostname: string;
  readonly ip: string;
  readonly ports: readonly (EndpointPort & { readonly port: number })[];
}

/** Endpoints that take traffic; the slice's writer has already counted in "publish not ready addresses". */
export function readyEndpoints(slices: readonly EndpointSlice[]): readonly NamedEndpoint[] {
  return slices.flatMap(({ addressType, endpoints, ports }) => {
    if (addressType === 'FQDN') {
      return [];
    }
    const open = (ports ?? []).flatMap((port) =>
      port.port === undefined ? [] : [{ ...port, port: port.port }],
    );
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions.ready ?? true)
      .flatMap(({ addresses, hostname }) =>
        addresses.map((ip) => ({ hostname: hostname ?? ipToDashed(ip), ip, ports: open })),
      );
  });
}

/**
 * Names an endpoint's address has, without the zone: `host.service.namespace`. Only endpoints with a host name
 * of their own, or behind a headless service, are known by name.
 */
export function endpointNames(ip: string, records: ClusterRecords): readonly string[] {
  const names = records.slicesByIp(ip).flatMap(({ metadata, endpoints }) => {
    const service = serviceOfSlice(metadata.labels);
    const isHeadless = records.service(metadata.namespace, service)?.spec.clusterIP === 'None';
    return (endpoints ?? [])
      .filter(
        ({ addresses, hostname }) =>
          addresses.some((address) => canonicalIp(address) === ip) && (isHeadless || hostname !== undefined),
      )
      .map(({ hostname }) => `${hostname ?? ipToDashed(ip)}.${service}.${metadata.namespace}`);
  });
  return [...new Set(names)];
}
