import { SERVICE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';

export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a Service of the cluster can be reached from the API server. */
export interface ServiceResolver {
  /** A text says why it cannot be reached. */
  resolve(namespace: string, name: string, port: number): ServiceAddress | string;
}

/** Uses the Service's own address, which works wherever the service proxy's rules do. */
export class ClusterIpResolver implements ServiceResolver {
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  resolve(namespace: string, name: string, port: number): ServiceAddress | string {
    const service = this.#reader.get(SERVICE, namespace, name);
    if (service === undefined) {
      return `service ${JSON.stringify(name)} not found`;
    }
    const { type, clusterIP = '', externalName = '', ports = [] } = service.spec;
    if (type === 'ExternalName') {
      return { host: externalName, port };
    }
    if (!ports.some((each) => each.port === port)) {
      return `no service port ${port} found for service ${JSON.stringify(name)}`;
    }
    return clusterIP === '' || clusterIP === 'None'
      ? `service ${JSON.stringify(name)} has no cluster IP`
      : { host: clusterIP, port };
  }
}
