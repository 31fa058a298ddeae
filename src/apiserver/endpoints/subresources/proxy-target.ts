import type { Endpoints, EndpointAddress, Pod, Service } from '#api/types/core.v1.ts';
import { badRequest, notSupported, serviceUnavailable } from '#api/status-error.ts';
import type { Random } from '#base/random.ts';
import type { ResourceStorage } from '../../registry/resource-storage.ts';

export interface ProxyStorages {
  readonly pods: ResourceStorage;
  readonly services: ResourceStorage;
  readonly endpoints: ResourceStorage;
  readonly nodes: ResourceStorage;
}

export type ProxyScheme = 'http' | 'https';

/** What a proxied request ends at. */
export type ProxyTarget =
  | {
      readonly kind: 'pod';
      readonly scheme: ProxyScheme;
      readonly nodeName: string;
      readonly namespace: string;
      readonly pod: string;
      readonly ip: string;
      readonly port: number;
    }
  | { readonly kind: 'node'; readonly nodeName: string };

export interface ProxyLocation {
  readonly scheme: ProxyScheme;
  readonly name: string;
  /** Empty when the client named none. */
  readonly port: string;
}

/** The port that the nodes' own server would listen on. */
const KUBELET_PORT = '10250';

const HTTP_PORT = 80;

/** Reads `name`, `name:port`, `scheme:name:` or `scheme:name:port`; undefined for anything else. */
export function parseLocation(text: string): ProxyLocation | undefined {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  switch (parts.length) {
    case 1:
      return first === '' ? undefined : { scheme: 'http', name: first, port: '' };
    case 2:
      return first === '' ? undefined : { scheme: 'http', name: first, port: second };
    case 3:
      return (first === 'http' || first === 'https') && second !== ''
        ? { scheme: first, name: second, port: third }
        : undefined;
    default:
      return undefined;
  }
}

/** Finds what `pods/<location>/proxy` leads to. @throws {StatusError} */
export async function podTarget(
  { pods }: ProxyStorages,
  namespace: string,
  text: string,
): Promise<ProxyTarget> {
  const { scheme, name, port } = locationOf(text, 'pod');
  const pod = (await pods.get(namespace, name)).object as unknown as Pod;
  const firstPort = pod.spec.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  return {
    kind: 'pod',
    scheme,
    ...whereOf(pod),
    port: port === '' ? (firstPort ?? HTTP_PORT) : portNumber(port),
  };
}

/** Chooses a ready pod behind `services/<location>/proxy`. @throws {StatusError} ServiceUnavailable when there is none */
export async function serviceTarget(
  storages: ProxyStorages,
  namespace: string,
  text: string,
  random: Random,
): Promise<ProxyTarget> {
  const { scheme, name, port } = locationOf(text, 'service');
  const service = (await storages.services.get(namespace, name)).object as unknown as Service;
  const portName = portNameOf(service, port);
  const found = await storages.endpoints.find(namespace, name);
  const endpoints = found?.object as unknown as Endpoints | undefined;
  const candidates = (endpoints?.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
    const target = ports.find((each) => (each.name ?? '') === portName);
    return target === undefined ? [] : addresses.map((address) => ({ address, port: target.port }));
  });
  if (candidates.length === 0) {
    throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(text)}`);
  }
  const start = random.int(candidates.length);
  for (const candidate of [...candidates.slice(start), ...candidates.slice(0, start)]) {
    const pod = await podBehind(storages.pods, namespace, candidate.address);
    if (pod !== undefined) {
      return { kind: 'pod', scheme, ...whereOf(pod), port: candidate.port };
    }
  }
  throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(text)}`);
}

/** Finds what `nodes/<location>/proxy` leads to: the node's own server, and no other port. @throws {StatusError} */
export async function nodeTarget({ nodes }: ProxyStorages, text: string): Promise<ProxyTarget> {
  const { name, port } = locationOf(text, 'node');
  const { metadata } = (await nodes.get('', name)).object;
  if (port !== '' && port !== KUBELET_PORT) {
    throw notSupported(`nodes/proxy to port ${port}`);
  }
  return { kind: 'node', nodeName: metadata.name };
}

function locationOf(text: string, kind: 'pod' | 'service' | 'node'): ProxyLocation {
  const location = parseLocation(text);
  if (location === undefined) {
    throw badRequest(`invalid ${kind} request ${JSON.stringify(text)}`);
  }
  return location;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw badRequest(`invalid port ${JSON.stringify(text)}`);
  }
  return port;
}

/** A service's port may be named by its number; endpoints know it by its name. */
function portNameOf({ metadata, spec }: Service, port: string): string {
  if (!/^\d+$/.test(port)) {
    return port;
  }
  const declared = (spec.ports ?? []).find((each) => each.port === Number(port));
  if (declared === undefined) {
    throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(metadata.name)}`);
  }
  return declared.name ?? '';
}

function whereOf({ metadata, spec, status }: Pod): {
  readonly nodeName: string;
  readonly namespace: string;
  readonly pod: string;
  readonly ip: string;
} {
  const ip = status.podIP ?? '';
  if (ip === '' || (spec.nodeName ?? '') === '') {
    throw badRequest('address not allowed');
  }
  return { nodeName: spec.nodeName ?? '', namespace: metadata.namespace, pod: metadata.name, ip };
}

/** Endpoints are written by users too: an address counts only while it is that of the pod it claims to be. */
async function podBehind(
  pods: ResourceStorage,
  namespace: string,
  { ip, targetRef }: EndpointAddress,
): Promise<Pod | undefined> {
  if (targetRef?.kind !== 'Pod' || (targetRef.namespace ?? namespace) !== namespace) {
    return undefined;
  }
  const found = await pods.find(namespace, targetRef.name ?? '');
  const pod = found?.object as unknown as Pod | undefined;
  const ips = [pod?.status.podIP, ...(pod?.status.podIPs ?? []).map((each) => each.ip)];
  return ips.includes(ip) ? pod : undefined;
}
