import type { ServiceResolver } from '#apiserver/admission/webhooks/service-resolver.ts';
import type { RequestLimits } from '#apiserver/api-server.ts';
import type { Auditor } from '#apiserver/audit/auditor.ts';
import type { UserInfo } from '#apiserver/authn/user.ts';
import type { EncryptionAtRest } from '#apiserver/encryption/encryption-at-rest.ts';
import { SILENT_LOGGER, type Logger } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { Client } from '#client/client.ts';
import { createInformers } from '#client/informer.ts';
import type { Informers } from '#client/lister.ts';
import type { Transport } from '#client/transport.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { ControlPlane, SERVICE_CIDR_DEFAULT, type Carry } from './control-plane.ts';
import { createSigningKey } from '#base/x509/certificate-authority.ts';
import { createSecurity, type SecurityOptions } from './security.ts';

export interface InProcessOptions {
  readonly seed?: number;
  readonly log?: Logger;
  /** A clock of the caller's; a new one when left out. */
  readonly clock?: VirtualClock;
  /** With the objects of an earlier cluster; an empty one when left out. Closed with the cluster. */
  readonly store?: MemoryStore;
  readonly carry?: Carry;
  /** Signs client certificates, PEM; without it nobody is known by certificate. */
  readonly clientAuthorityPem?: string;
  /** Where webhooks and extension servers that are Services are found. */
  readonly services?: ServiceResolver;
  /** Shows the API server to extension servers; without it they do not know who asks. */
  readonly frontProxyClient?: { readonly certificatePem: string; readonly keyPem: string };
  /** Keep APIServices for the built-in groups and those of definitions; left out, there are none. */
  readonly registersApis?: boolean;
  /** How values are stored; as they are when left out. */
  readonly encryption?: EncryptionAtRest;
  /** Who else is known and decides. */
  readonly identity?: Pick<
    SecurityOptions,
    'tokenKinds' | 'authorization' | 'onAuthorizationChange' | 'anonymousPaths'
  >;
  /** Upstream's defaults when left out. */
  readonly limits?: Partial<RequestLimits>;
  /** Records requests; closed by the caller. */
  readonly auditor?: Auditor;
}

/** A real API server over memory and a virtual clock, for tests: no files, no ports, no wall time. */
export interface InProcessCluster extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly metrics: MetricsRegistry;
  readonly store: MemoryStore;
  readonly plane: ControlPlane;
  /** Acts as an administrator. */
  readonly client: Client;
  readonly transport: Transport;
  /** Informers with an administrator's rights, for what a test puts on top. Not started. */
  readonly informers: Informers;
}

const ADMIN: UserInfo = {
  name: 'kubernetes-admin',
  groups: ['system:masters', 'system:authenticated'],
  extra: {},
};

/** One key for all in-process clusters of a process: making one costs more than starting a cluster. */
let signingKeyPem: string | undefined;

export async function startInProcessCluster({
  seed = 1,
  log = SILENT_LOGGER,
  clock = new VirtualClock(),
  store = new MemoryStore({ clock }),
  carry,
  clientAuthorityPem,
  services,
  frontProxyClient,
  registersApis = false,
  identity,
  encryption,
  limits,
  auditor,
}: InProcessOptions = {}): Promise<InProcessCluster> {
  signingKeyPem ??= createSigningKey().privateKeyPem;
  const random = new SeededRandom(seed);
  const metrics = new MetricsRegistry();
  const secure = createSecurity({
    clock,
    random,
    serviceAccountKeyPem: signingKeyPem,
    ...identity,
    ...(clientAuthorityPem === undefined ? {} : { clientAuthorityPem }),
    ...(services === undefined ? {} : { services }),
  });
  const plane = await ControlPlane.start(
    { store, clock, random, log, metrics, encryption },
    {
      serviceCidr: SERVICE_CIDR_DEFAULT,
      hasBootstrapObjects: (await store.count('')) > 0,
      ...(carry === undefined ? {} : { carry }),
      ...(limits === undefined ? {} : { limits }),
      ...(auditor === undefined ? {} : { auditor }),
      aggregation: {
        registersLocal: registersApis,
        ...(services === undefined ? {} : { services }),
        ...(frontProxyClient === undefined ? {} : { frontProxyClient }),
      },
    },
    secure,
  );
  const transport = plane.transportOf(ADMIN, 'test');
  const informers = createInformers({ transport, clock, random, log });
  return {
    clock,
    random,
    metrics,
    store,
    plane,
    client: new Client(transport, 'test'),
    transport,
    informers,
    async [Symbol.asyncDispose]() {
      await informers.close();
      await plane.close();
    },
  };
}
