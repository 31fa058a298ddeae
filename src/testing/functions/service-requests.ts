import { isNotFound } from '#api/status-error.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import type { Service } from '#api/types/core.v1.ts';
import { ENDPOINT_SLICE, SERVICE } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import { isIP } from 'node:net';
import type { PodNetwork } from './pod-network.ts';

interface Backend {
  readonly ip: string;
  readonly port: number;
}

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/**
 * Carries requests to Services and pods, as cluster DNS and the service proxy would: by `service`, `service.namespace`
 * or longer, by a pod's own name below a headless one, by cluster IP, or by a pod's address. Ready endpoints take turns.
 */
export class ServiceRequests {
  readonly #client: Client;
  readonly #network: PodNetwork;
  /** By Service and port. */
  readonly #turns = new Map<string, number>();

  constructor(client: Client, network: PodNetwork) {
    this.#client = client;
    this.#network = network;
  }

  /** @throws {TypeError} as `fetch` does; its cause says why: `ENOTFOUND`, `ECONNREFUSED`, `ECONNRESET` */
  async fetch(from: { readonly namespace: string }, request: Request): Promise<Response> {
    const { hostname, port, protocol } = new URL(request.url);
    const number = port === '' ? (protocol === 'https:' ? HTTPS_PORT : HTTP_PORT) : Number(port);
    try {
      const backend = await this.#backend(hostname, number, from.namespace);
      return await this.#network.send(backend.ip, backend.port, request);
    } catch (cause) {
      if (cause instanceof DOMException) {
        throw cause;
      }
      throw new TypeError('fetch failed', { cause });
    }
  }

  async #backend(host: string, port: number, namespace: string): Promise<Backend> {
    if (isIP(host) !== 0) {
      const services = (await this.#client.of(SERVICE).list('')).items;
      const service = services.find(({ spec }) => spec.clusterIPs?.includes(host) === true);
      return service === undefined ? { ip: host, port } : await this.#behind(service, port);
    }
    const words = host
      .replace(/\.$/, '')
      .replace(/\.svc(\.cluster\.local)?$/, '')
      .split('.');
    const [first = '', second = namespace, third = namespace] = words;
    const service = words.length > 2 ? undefined : await this.#service(second, first);
    if (service !== undefined) {
      return await this.#behind(service, port);
    }
    const governing = words.length < 2 ? undefined : await this.#service(third, second);
    if (governing === undefined) {
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
    }
    return await this.#behind(governing, port, first);
  }

  async #behind(service: Service, port: number, podHostname?: string): Promise<Backend> {
    const { name, namespace } = service.metadata;
    const labelSelector = `${SERVICE_NAME_LABEL}=${name}`;
    const slices = (await this.#client.of(ENDPOINT_SLICE).list(namespace, { labelSelector })).items;
    const isHeadless = service.spec.clusterIP === 'None';
    const named = service.spec.ports?.find((one) => one.port === port);
    const backends = slices.flatMap((slice) =>
      backendsOf(slice, { port, portName: isHeadless ? undefined : (named?.name ?? ''), podHostname }),
    );
    const key = `${namespace}/${name}:${port}`;
    const turn = this.#turns.get(key) ?? 0;
    const backend = (isHeadless || named !== undefined) && backends[turn % backends.length];
    if (backend === false || backend === undefined) {
      const message = `connect ECONNREFUSED: service ${key} has no ready endpoints`;
      throw Object.assign(new Error(message), { code: 'ECONNREFUSED' });
    }
    this.#turns.set(key, turn + 1);
    return backend;
  }

  async #service(namespace: string, name: string): Promise<Service | undefined> {
    try {
      return await this.#client.of(SERVICE).get(namespace, name);
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }
}

/** @param wanted without a name of the port, the port is the pods' own */
function backendsOf(
  { endpoints, ports }: EndpointSlice,
  wanted: {
    readonly port: number;
    readonly portName: string | undefined;
    readonly podHostname: string | undefined;
  },
): readonly Backend[] {
  const port =
    wanted.portName === undefined
      ? wanted.port
      : ports?.find(({ name = '' }) => name === wanted.portName)?.port;
  if (port === undefined) {
    return [];
  }
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .filter(({ hostname }) => wanted.podHostname === undefined || hostname === wanted.podHostname)
    .flatMap(({ addresses }) => addresses.slice(0, 1).map((ip) => ({ ip, port })));
}
