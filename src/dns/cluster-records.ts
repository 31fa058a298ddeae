import type { Service } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import { ENDPOINT_SLICE, NAMESPACE, SERVICE } from '#api/types/resources.ts';
import { canonicalIp } from '#base/ip.ts';
import type { Informer, Informers } from '#client/lister.ts';

/** The cluster's objects as names and addresses look them up. */
export interface ClusterRecords {
  hasNamespace(namespace: string): boolean;
  service(namespace: string, name: string): Service | undefined;
  /** The endpoints of one service. */
  slices(namespace: string, service: string): readonly EndpointSlice[];
  serviceByIp(ip: string): Service | undefined;
  slicesByIp(ip: string): readonly EndpointSlice[];
}

const BY_SERVICE = 'kubernetes.io/service-name';
const BY_ADDRESS = 'dns/address';

/** Reads the local copies that informers keep; nothing is stored twice. */
export class InformerRecords implements ClusterRecords {
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #hasNamespace: (namespace: string) => boolean;

  /** Before the informers start, because it adds indexes. */
  constructor(informers: Informers) {
    const namespaces = informers.of(NAMESPACE);
    this.#services = informers.of(SERVICE);
    this.#slices = informers.of(ENDPOINT_SLICE);
    this.#hasNamespace = (namespace) => namespaces.get(namespace) !== undefined;
    this.#services.addIndex(BY_ADDRESS, ({ spec }) =>
      (spec.clusterIPs ?? []).flatMap((ip) => canonicalIp(ip) ?? []),
    );
    this.#slices.addIndex(BY_SERVICE, ({ metadata }) => {
      const service = serviceOfSlice(metadata.labels);
      return service === '' ? [] : [`${metadata.namespace}/${service}`];
    });
    this.#slices.addIndex(BY_ADDRESS, ({ endpoints }) =>
      (endpoints ?? []).flatMap(({ addresses }) => addresses.flatMap((ip) => canonicalIp(ip) ?? [])),
    );
  }

  hasNamespace(namespace: string): boolean {
    return this.#hasNamespace(namespace);
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return this.#slices.byIndex(BY_SERVICE, `${namespace}/${service}`);
  }

  serviceByIp(ip: string): Service | undefined {
    return this.#services.byIndex(BY_ADDRESS, ip)[0];
  }

  slicesByIp(ip: string): readonly EndpointSlice[] {
    return this.#slices.byIndex(BY_ADDRESS, ip);
  }
}

/** Name of the service a slice belongs to; empty for a slice of none. */
export function serviceOfSlice(labels: Readonly<Record<string, string>> | undefined): string {
  return labels?.['kubernetes.io/service-name'] ?? '';
}
