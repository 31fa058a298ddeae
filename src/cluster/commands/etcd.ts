import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { EtcdServer, type EtcdServerTls } from '#store/etcd/etcd-server.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import { UsageError } from './command-line.ts';
import { ETCD_FLAGS, HARMLESS, HONORED } from './etcd-flags.ts';
import { flagHelp, GoFlags } from './go-flags.ts';
import { createLog } from './log-options.ts';
import { untilSignal } from './until-signal.ts';

const HELP = `Usage: coracle etcd --data-dir DIR [flags]

Serves a store of its own as an etcd of one member: KV, Watch, Lease, Maintenance and Cluster of the v3 API, and
/health, /livez, /readyz and /version over plain HTTP.

  --data-dir DIR             where the store is kept
  --listen-client-urls URLS  comma-separated http:// or https:// addresses (default http://127.0.0.1:2379)
  --cert-file FILE           server certificate for https
  --key-file FILE            its key
  --trusted-ca-file FILE     clients have to show a certificate of this authority
  --unsafe-no-fsync          do not wait for the disk: a power cut may take everything
  --log-level LEVEL          debug, info, warn or error (default warn)

The other flags of etcd are known and change nothing here:
`;

const PORT_DEFAULT = 2379;

/** `coracle etcd`. Ends on SIGINT or SIGTERM. */
export async function etcd(args: readonly string[]): Promise<number> {
  const flags = new GoFlags(
    args.map((arg) => (arg === '-h' ? '--help' : arg)),
    ETCD_FLAGS,
  );
  if (flags.isOn('help', false)) {
    process.stdout.write(`${HELP}${flagHelp(ETCD_FLAGS)}\n`);
    return 0;
  }
  const dataDirectory = flags.text('data-dir');
  if (dataDirectory === undefined) {
    throw new UsageError('--data-dir is needed: the directory in which the store is kept');
  }
  const urls = flags.list('listen-client-urls');
  const addresses = (urls.length === 0 ? ['http://127.0.0.1:2379'] : urls).map(parseListenUrl);
  const tls = tlsOf(flags);
  if (tls === undefined && addresses.some(({ isSecure }) => isSecure)) {
    throw new UsageError('an https address needs --cert-file and --key-file');
  }
  for (const name of flags.without([...HONORED, ...HARMLESS])) {
    process.stderr.write(`coracle etcd: --${name} changes nothing here\n`);
  }
  const stopped = untilSignal();
  const clock = new SystemClock();
  const log = createLog(clock, flags.text('log-level') ?? 'warn');
  const directory = join(resolve(dataDirectory), 'store');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const isSynced = !flags.isOn('unsafe-no-fsync', false);
  await using store = await LmdbStore.open(directory, { clock, log, isSynced });
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

function tlsOf(flags: GoFlags): EtcdServerTls | undefined {
  const [cert, key, ca] = ['cert-file', 'key-file', 'trusted-ca-file'].map((name) => flags.text(name));
  if (cert === undefined || key === undefined) {
    return undefined;
  }
  return {
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
    ...(ca === undefined ? {} : { clientCa: readFileSync(ca, 'utf8') }),
  };
}
