import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { EtcdServer, type EtcdServerTls } from '#store/etcd/etcd-server.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import { parseOptions, UsageError } from './command-line.ts';
import { createLog } from './up.ts';

const OPTIONS = {
  'data-dir': { type: 'string' },
  'listen-client-urls': { type: 'string', default: 'http://127.0.0.1:2379' },
  'cert-file': { type: 'string' },
  'key-file': { type: 'string' },
  'trusted-ca-file': { type: 'string' },
  'log-level': { type: 'string', default: 'warn' },
  help: { type: 'boolean', short: 'h' },
} as const;

const HELP = `Usage: coracle etcd --data-dir DIR [options]

Serves a store of its own as an etcd of one member: KV, Watch, Lease, Maintenance and Cluster of the v3 API.

  --data-dir DIR             where the store is kept
  --listen-client-urls URLS  comma-separated http:// or https:// addresses (default http://127.0.0.1:2379)
  --cert-file FILE           server certificate for https
  --key-file FILE            its key
  --trusted-ca-file FILE     clients have to show a certificate of this authority
  --log-level LEVEL          debug, info, warn or error (default warn)
`;

const PORT_DEFAULT = 2379;

/** `coracle etcd`. Ends on SIGINT or SIGTERM. */
export async function etcd(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, OPTIONS);
  if (options.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options['data-dir'] === undefined) {
    throw new UsageError('--data-dir is needed: the directory in which the store is kept');
  }
  const addresses = options['listen-client-urls'].split(',').map(parseListenUrl);
  const tls = tlsOf(options);
  if (tls === undefined && addresses.some(({ isSecure }) => isSecure)) {
    throw new UsageError('an https address needs --cert-file and --key-file');
  }
  const stopped = untilSignal();
  const clock = new SystemClock();
  const log = createLog(clock, options['log-level']);
  const directory = join(resolve(options['data-dir']), 'store');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await using store = await LmdbStore.open(directory, { clock, log });
  await using server = new EtcdServer({ store, clock, log });
  for (const { host, port, isSecure, scheme } of addresses) {
    const bound = await server.listen(host, port, isSecure ? tls : undefined);
    process.stdout.write(`Serving the etcd API on ${scheme}//${host}:${bound}\n`);
  }
  await stopped;
  return 0;
}

export interface ListenAddress {
  readonly scheme: 'http:' | 'https:';
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
}

/** @throws {UsageError} */
export function parseListenUrl(text: string): ListenAddress {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError(`${JSON.stringify(text)} is no address; write http://127.0.0.1:2379`);
  }
  return {
    scheme: url.protocol,
    isSecure: url.protocol === 'https:',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    // URL leaves out the port that is usual for its scheme.
    port: url.port === '' && !/:\d+\/?$/.test(text) ? PORT_DEFAULT : Number(url.port),
  };
}

function tlsOf(options: {
  readonly 'cert-file'?: string | undefined;
  readonly 'key-file'?: string | undefined;
  readonly 'trusted-ca-file'?: string | undefined;
}): EtcdServerTls | undefined {
  const { 'cert-file': cert, 'key-file': key, 'trusted-ca-file': ca } = options;
  if (cert === undefined || key === undefined) {
    return undefined;
  }
  return {
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
    ...(ca === undefined ? {} : { clientCa: readFileSync(ca, 'utf8') }),
  };
}

async function untilSignal(): Promise<void> {
  const { promise, resolve: stop } = Promise.withResolvers<void>();
  process.once('SIGINT', () => stop());
  process.once('SIGTERM', () => stop());
  await promise;
}
