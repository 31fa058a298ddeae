import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { AggregationOptions } from '#apiserver/api-server.ts';
import { parseTokenFile } from '#apiserver/authn/static-tokens.ts';
import { defined } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import { Cidr } from '#base/ip.ts';
import type { Logger } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SystemRandom } from '#base/random.ts';
import {
  CertificateAuthority,
  createSigningKey,
  type CertifiedKey,
} from '#base/x509/certificate-authority.ts';
import { openAudit } from '../audit-choice.ts';
import { reconcileKubernetesService } from '../bootstrap-objects.ts';
import { openClusterStore } from '../cluster-store.ts';
import { ControlPlane } from '../control-plane.ts';
import { reconcileExtensionAuthentication } from '../extension-authentication.ts';
import { readIfPresent, writeSecretFile } from '../pki/secret-file.ts';
import {
  AUTHORIZATION_MODES,
  createSecurity,
  type AuthorizationMode,
  type SecurityOptions,
} from '../security.ts';
import { openSecurity } from '../security-choice.ts';
import { chooseAdmissionByFlags } from './admission-options.ts';
import { chooseAuditByFlags } from './audit-options.ts';
import { UsageError } from './command-line.ts';
import type { GoFlags } from './go-flags.ts';
import { chooseLimitsByFlags } from './limit-options.ts';
import { chooseSecurityByFlags } from './security-options.ts';
import { chooseStore } from './store-choice.ts';

const PORT_DEFAULT = '6443';
const CERT_DIRECTORY_DEFAULT = '/var/run/kubernetes';
const SERVICE_RANGE_DEFAULT = '10.0.0.0/24';
/** Keys of the API in etcd begin with it; no other layout is known here. */
const ETCD_PREFIX = '/registry';

/**
 * An API server alone, over an etcd, as the flags of `coracle apiserver` say.
 *
 * @throws {UsageError} a value that cannot be used
 */
export async function startApiServerProcess(
  flags: GoFlags,
  clock: Clock,
  log: Logger,
): Promise<AsyncDisposable> {
  const random = new SystemRandom();
  const choice = storeOf(flags);
  const serviceCidr = flags.list('service-cluster-ip-range')[0] ?? SERVICE_RANGE_DEFAULT;
  const range = Cidr.parse(serviceCidr);
  if (range === undefined) {
    throw new UsageError(`--service-cluster-ip-range takes a range as 10.0.0.0/24, not ${serviceCidr}`);
  }
  await using started = new AsyncDisposableStack();
  const own = securityOf(flags);
  const { issuers, audiences } = own;
  const external = started.use(
    await openSecurity(chooseSecurityByFlags(flags), { clock, random, log, issuers, audiences }),
  );
  const security = createSecurity({ clock, random, ...own, ...external.options });
  const serving = servingPair(flags, clock);
  const { store } = await openClusterStore(choice, '', { clock, log });
  const metrics = new MetricsRegistry();
  const auditor = started.use(await openAudit(chooseAuditByFlags(flags), { clock, log, metrics }));
  const limits = chooseLimitsByFlags(flags);
  const plane = started.use(
    await ControlPlane.start(
      { store, clock, random, log, metrics, encryption: external.encryption },
      { serviceCidr, ...nodePortsOf(flags), aggregation: aggregationOf(flags), auditor, limits },
      security,
    ),
  );
  const host = flags.text('bind-address') ?? '0.0.0.0';
  const advertise = flags.text('advertise-address') ?? hostAddress(host);
  const port = await plane.server.listen({
    host,
    port: Number(flags.text('secure-port') ?? PORT_DEFAULT),
    cert: serving.certificatePem,
    key: serving.keyPem,
    clientCa: clientAuthorities(flags) ?? serving.certificatePem,
    advertise,
  });
  await announce(plane, { clusterIp: defined(range.at(1), 'a first address'), advertise, port, log });
  await announceTrust(plane, own, clock);
  return started.move();
}

/** Extension servers know this one by the certificate that it was given for that. */
function aggregationOf(flags: GoFlags): AggregationOptions {
  const [certificatePem, keyPem] = ['proxy-client-cert-file', 'proxy-client-key-file'].map((name) =>
    readOptional(flags.text(name)),
  );
  return {
    registersLocal: true,
    ...(certificatePem === undefined || keyPem === undefined
      ? {}
      : { frontProxyClient: { certificatePem, keyPem } }),
  };
}

/** Extension servers find in the cluster whom to trust. */
async function announceTrust(
  { client }: ControlPlane,
  { clientAuthorityPem, frontProxyAuthorityPem }: Omit<SecurityOptions, 'clock' | 'random'>,
  clock: Clock,
): Promise<void> {
  if (clientAuthorityPem !== undefined && frontProxyAuthorityPem !== undefined) {
    await reconcileExtensionAuthentication(client, { clientAuthorityPem, frontProxyAuthorityPem }, clock);
  }
}

function storeOf(flags: GoFlags): ReturnType<typeof chooseStore> {
  const servers = flags.list('etcd-servers');
  if (servers.length === 0) {
    throw new UsageError('--etcd-servers must be specified');
  }
  const prefix = flags.text('etcd-prefix') ?? ETCD_PREFIX;
  if (prefix !== ETCD_PREFIX) {
    throw new UsageError(`--etcd-prefix takes ${ETCD_PREFIX} only, not ${JSON.stringify(prefix)}`);
  }
  return chooseStore({
    'etcd-servers': servers.join(','),
    'etcd-cafile': flags.text('etcd-cafile'),
    'etcd-certfile': flags.text('etcd-certfile'),
    'etcd-keyfile': flags.text('etcd-keyfile'),
  });
}

function securityOf(flags: GoFlags): Omit<SecurityOptions, 'clock' | 'random'> {
  const file = (name: string): string | undefined => readOptional(flags.text(name));
  const modes = flags.list('authorization-mode');
  const isByFile = flags.text('authorization-config') !== undefined;
  const authorization =
    modes.length === 0 && !isByFile
      ? ['AlwaysAllow' as const]
      : modes.filter((mode) => mode !== 'Webhook').map(authorizationMode);
  const clientAuthorityPem = file('client-ca-file');
  const frontProxyAuthorityPem = file('requestheader-client-ca-file');
  const tokens = file('token-auth-file');
  const issuers = flags.list('service-account-issuer');
  const audiences = flags.list('api-audiences');
  const keysUri = flags.text('service-account-jwks-uri');
  return {
    serviceAccountKeyPem: file('service-account-signing-key-file') ?? createSigningKey().privateKeyPem,
    serviceAccountVerificationPems: flags
      .list('service-account-key-file')
      .map((path) => readFileSync(path, 'utf8')),
    ...(clientAuthorityPem === undefined ? {} : { clientAuthorityPem }),
    ...(frontProxyAuthorityPem === undefined ? {} : { frontProxyAuthorityPem }),
    frontProxyNames: flags.list('requestheader-allowed-names'),
    ...(tokens === undefined ? {} : { staticTokens: parseTokenFile(tokens) }),
    ...(issuers.length === 0 ? {} : { issuers }),
    ...(keysUri === undefined ? {} : { keysUri }),
    ...(audiences.length === 0 ? {} : { audiences }),
    // As upstream: whoever may do everything is known by name.
    allowsAnonymous: flags.isOn('anonymous-auth', true) && !authorization.includes('AlwaysAllow'),
    authorization,
    ...chooseAdmissionByFlags(flags),
  };
}

function authorizationMode(text: string): AuthorizationMode {
  const mode = AUTHORIZATION_MODES.find((known) => known === text);
  if (mode === undefined) {
    throw new UsageError(
      `--authorization-mode takes ${AUTHORIZATION_MODES.join(', ')} here, not ${JSON.stringify(text)}`,
    );
  }
  return mode;
}

function nodePortsOf(flags: GoFlags): {
  readonly nodePorts?: { readonly first: number; readonly size: number };
} {
  const text = flags.text('service-node-port-range');
  if (text === undefined) {
    return {};
  }
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || last < first || last > 65_535) {
    throw new UsageError(`--service-node-port-range takes FIRST-LAST as 30000-32767, not ${text}`);
  }
  return { nodePorts: { first, size: last - first + 1 } };
}

/** The certificate that was given, or that lies in `--cert-dir`, or a new one there. */
function servingPair(flags: GoFlags, clock: Clock): CertifiedKey {
  const [given, givenKey] = [flags.text('tls-cert-file'), flags.text('tls-private-key-file')];
  if (given !== undefined && givenKey !== undefined) {
    return { certificatePem: readFileSync(given, 'utf8'), keyPem: readFileSync(givenKey, 'utf8') };
  }
  const directory = flags.text('cert-dir') ?? CERT_DIRECTORY_DEFAULT;
  const paths = [join(directory, 'apiserver.crt'), join(directory, 'apiserver.key')] as const;
  const [certificatePem, keyPem] = paths.map((path) => readIfPresent(path));
  if (certificatePem !== undefined && keyPem !== undefined) {
    return { certificatePem, keyPem };
  }
  const host = hostAddress(flags.text('advertise-address') ?? flags.text('bind-address') ?? '0.0.0.0');
  const issued = CertificateAuthority.create('kube-apiserver', { clock, random: new SystemRandom() }).issue({
    subject: { commonName: host, organizations: [] },
    extendedKeyUsages: ['serverAuth'],
    altNames: {
      dnsNames: ['localhost', 'kubernetes.default.svc', 'kubernetes.default', 'kubernetes'],
      ipAddresses: [...new Set([host, '127.0.0.1'])].filter((address) => isIP(address) !== 0),
    },
  });
  writeSecretFile(paths[1], issued.keyPem);
  writeSecretFile(paths[0], issued.certificatePem, 0o644);
  return issued;
}

function clientAuthorities(flags: GoFlags): string | undefined {
  const files = ['client-ca-file', 'requestheader-client-ca-file'].map((name) =>
    readOptional(flags.text(name)),
  );
  const found = files.filter((pem) => pem !== undefined);
  return found.length === 0 ? undefined : found.join('\n');
}

/** Keeps the Service `default/kubernetes`; endpoints for pods only where the address is one they could reach. */
async function announce(
  { client }: ControlPlane,
  { clusterIp, advertise, port, log }: { clusterIp: string; advertise: string; port: number; log: Logger },
): Promise<void> {
  try {
    await reconcileKubernetesService(client, { clusterIp, endpoint: { ip: advertise, port } });
  } catch (error) {
    log.warn('the endpoints of default/kubernetes are not kept', { advertise, error });
  }
}

/** An address of this host in place of one that stands for all of them. */
function hostAddress(address: string): string {
  if (address !== '0.0.0.0' && address !== '::') {
    return address;
  }
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}

function readOptional(path: string | undefined): string | undefined {
  return path === undefined ? undefined : readFileSync(path, 'utf8');
}
