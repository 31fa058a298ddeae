import type { StoreChoice } from '../cluster-store.ts';
import { UsageError } from './command-line.ts';

/** The options of `coracle up` about where its state is kept; those of etcd are named as the API server's. */
export const STORE_OPTIONS = {
  'etcd-servers': { type: 'string' },
  'etcd-cafile': { type: 'string' },
  'etcd-certfile': { type: 'string' },
  'etcd-keyfile': { type: 'string' },
  'etcd-listen': { type: 'string' },
} as const;

export const STORE_HELP = `  --etcd-servers URLS      keep the state in this etcd (comma-separated members) instead of the data directory
  --etcd-cafile FILE       authority of the members' certificates; --etcd-certfile and --etcd-keyfile: our own
  --etcd-listen HOST:PORT  serve the state as an etcd there, without TLS or access control: for etcdctl on this machine
`;

type StoreOptions = { readonly [K in keyof typeof STORE_OPTIONS]?: string | undefined };

/** @throws {UsageError} */
export function chooseStore(options: StoreOptions): StoreChoice {
  const servers = options['etcd-servers'];
  const listen = options['etcd-listen'];
  if (servers === undefined) {
    return { kind: 'local', ...(listen === undefined ? {} : { etcdListen: hostAndPort(listen) }) };
  }
  if (listen !== undefined) {
    throw new UsageError('--etcd-listen serves the data directory; with --etcd-servers, talk to that etcd');
  }
  const endpoints = servers.split(',').filter((server) => server !== '');
  const wrong = endpoints.find((server) => !/^https?:$/.test(URL.parse(server)?.protocol ?? ''));
  if (endpoints.length === 0 || wrong !== undefined) {
    throw new UsageError(
      `--etcd-servers takes URLS like http://127.0.0.1:2379, not ${JSON.stringify(servers)}`,
    );
  }
  return {
    kind: 'etcd',
    servers: endpoints,
    caFile: options['etcd-cafile'],
    certFile: options['etcd-certfile'],
    keyFile: options['etcd-keyfile'],
  };
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([\da-f:.]+)\]|([^:]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) {
    throw new UsageError(`--etcd-listen takes HOST:PORT as 127.0.0.1:2379, not ${JSON.stringify(text)}`);
  }
  return { host, port: Number(match?.[3]) };
}
