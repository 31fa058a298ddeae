import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import { ENDPOINT_SLICE, SERVICE } from '#api/types/resources.ts';
import type { Random } from '#base/random.ts';
import type { ServiceAddress, ServiceResolver } from '../admission/webhooks/service-resolver.ts';
import type { ObjectReader } from '../object-reader.ts';

const SERVICE_LABEL = 'kubernetes.io/service-name';

/** The EndpointSlices of a Service. Slices have to be mirrored. */
export function slicesOf(reader: ObjectReader, namespace: string, name: string): readonly EndpointSlice[] {
  return reader
    .list(ENDPOINT_SLICE, namespace)
    .filter(({ metadata }) => metadata.labels?.[SERVICE_LABEL] === name);
}

/** Leads to a ready endpoint of a Service, chosen by chance, so that it works without the service proxy's rules. */
export class EndpointResolver implements ServiceResolver {
  readonly #reader: ObjectReader;
  readonly #random: Random;

  constructor(reader: ObjectReader, random: Random) {
    this.#reader = reader;
    this.#random = random;
  }

  resolve(namespace: string, name: string, port: number): ServiceAddress | string {
    const service = this.#reader.get(SERVICE, namespace, name);
    if (service === undefined) {
      return `service ${JSON.stringify(name)} not found`;
    }
    const { type, externalName = '', ports = [], ipFamilies = [] } = service.spec;
    if (type === 'ExternalName') {
      return { host: externalName, port };
    }
    const declared = ports.find((each) => each.port === port);
    if (declared === undefined) {
      return `no service port ${port} found for service ${JSON.stringify(name)}`;
    }
    const addresses = slicesOf(this.#reader, namespace, name).map((slice) => ({
      isPreferred: slice.addressType === ipFamilies[0],
      found: addressesIn(slice, declared.name ?? ''),
    }));
    const preferred = addresses.filter(({ isPreferred }) => isPreferred).flatMap(({ found }) => found);
    const all = preferred.length > 0 ? preferred : addresses.flatMap(({ found }) => found);
    const chosen = all.length === 0 ? undefined : all[this.#random.int(all.length)];
    return chosen ?? `no endpoints available for service ${JSON.stringify(name)}`;
  }
}

function addressesIn({ endpoints, ports }: EndpointSlice, portName: string): readonly ServiceAddress[] {
  const port = (ports ?? []).find(
    ({ name, port: number }) => (name ?? '') === portName && number !== undefined,
  );
  if (port?.port === undefined) {
    return [];
  }
  const number = port.port;
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses: [host] }) => (host === undefined ? [] : [{ host, port: number }]));
}
