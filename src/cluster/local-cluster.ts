import { networkInterfaces } from 'node:os';
import type { RequestLimits } from '#apiserver/api-server.ts';
import type { Auditor } from '#apiserver/audit/auditor.ts';
import { SIM_POD_CIDR } from '#kubelet/sim/sim-addresses.ts';
import { Cidr } from '#base/ip.ts';
import { defined } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import type { HostPrograms } from '#runtime/oci/check-host.ts';
import type { RegistryMirrors } from '#runtime/oci/registry-client.ts';
import type { SchedulerOptions } from '#scheduler/scheduler.ts';
import { chooseAddresses, isTakenByOthers, primaryAddress } from './address-plan.ts';
import { reconcileDnsService, reconcileKubernetesService } from './bootstrap-objects.ts';
import { openAudit, type AuditChoice } from './audit-choice.ts';
import { openClusterStore, type StoreChoice } from './cluster-store.ts';
import { ComponentSet, type ComponentOptions } from './component-set.ts';
import { ControlPlane, type ControlPlaneOptions } from './control-plane.ts';
import { ensureDefaultStorageClass } from './default-storage-class.ts';
import { hostVolumes, simVolumes } from './local-volume-directory.ts';
import { DataDirectoryError, type ClusterSettings, type DataDirectory } from './data-directory.ts';
import { serveExplanations } from './explain-api.ts';
import { reconcileExtensionAuthentication } from './extension-authentication.ts';
import { openSecurity, type SecurityChoice } from './security-choice.ts';
import { OciNode } from './oci-node.ts';
import { ensureKubeconfig } from './pki/kubeconfig-file.ts';
import { ensurePki, type ClusterPki } from './pki/cluster-pki.ts';
import { signRequest } from './pki/request-signer.ts';
import { createSecurity } from './security.ts';
import { SimNodeSet } from './sim-node-set.ts';

export type NodeChoice =
  | {
      readonly kind: 'oci';
      readonly programs: HostPrograms;
      readonly registryMirrors: RegistryMirrors;
    }
  | { readonly kind: 'sim'; readonly count: number };

export interface LocalClusterOptions {
  readonly directory: DataDirectory;
  readonly nodes: NodeChoice;
  /** Left out: the data directory. */
  readonly store?: StoreChoice;
  /** Left out: upstream's defaults. */
  readonly limits?: Partial<RequestLimits>;
  /** What is recorded of requests; nothing when left out. */
  readonly audit?: AuditChoice;
  /** Configuration files of the API server. */
  readonly security?: SecurityChoice;
  /** Left out: upstream's defaults. */
  readonly scheduler?: SchedulerOptions;
  /** Left out: the port of an earlier start, else 6443, else any free one. */
  readonly port?: number;
  /** Where to write the administrator's kubeconfig beside the data directory's own. */
  readonly kubeconfig?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told as each phase of the start is done, with the time it took. */
  readonly onPhase: (name: string, durationMs: number) => void;
}

const PORT_DEFAULT = 6443;
const NODE_PREFIX_LENGTH = 24;
const CLUSTER_NAME = 'coracle';

/** Something else listens on the port that was asked for. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
  readonly code = 'cluster/port-taken';

  constructor(port: number, options: ErrorOptions) {
    super(`port ${port} is in use by another program: stop that, or choose another --port`, options);
  }
}

/** A whole cluster in this process: what `coracle up` runs. */
export class LocalCluster implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly components: ComponentSet;
  readonly settings: ClusterSettings;
  readonly server: string;
  readonly kubeconfig: string;
  readonly metrics: MetricsRegistry;
  /** Undefined with `sim` nodes. */
  readonly node: OciNode | undefined;
  readonly #simNodes: SimNodeSet | undefined;
  readonly #etcdFace: AsyncDisposable | undefined;
  readonly #security: AsyncDisposable;
  readonly #auditor: AsyncDisposable | undefined;

  private constructor(
    parts: Pick<
      LocalCluster,
      'plane' | 'components' | 'settings' | 'server' | 'kubeconfig' | 'metrics' | 'node'
    > & {
      readonly simNodes: SimNodeSet | undefined;
      readonly etcdFace: AsyncDisposable | undefined;
      readonly security: AsyncDisposable;
      readonly auditor: AsyncDisposable | undefined;
    },
  ) {
    this.plane = parts.plane;
    this.components = parts.components;
    this.settings = parts.settings;
    this.server = parts.server;
    this.kubeconfig = parts.kubeconfig;
    this.metrics = parts.metrics;
    this.node = parts.node;
    this.#simNodes = parts.simNodes;
    this.#etcdFace = parts.etcdFace;
    this.#security = parts.security;
    this.#auditor = parts.auditor;
  }

  /**
   * Starts a new cluster or the one in the data directory.
   *
   * @throws {DataDirectoryError} the directory is not usable
   * @throws {PortTakenError} a port that was asked for is taken
   */
  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const { clock, random, log } = options;
    const phases = new PhaseTimer(options);
    const settings = await options.directory.open(random, async () => ({
      ...chooseAddresses(random),
      port: options.port ?? PORT_DEFAULT,
    }));
    const addresses = freeAddressesOf(settings, options.nodes);
    const pki = ensurePki({
      directory: options.directory.path,
      serverNames: serverNames(addresses),
      clock,
      random,
    });
    const metrics = new MetricsRegistry();
    await using started = new AsyncDisposableStack();
    const { store, face } = await openClusterStore(
      options.store ?? { kind: 'local' },
      options.directory.store,
      { clock, log },
    );
    const security = started.use(await openSecurity(options.security, { clock, random, log }));
    const auditor = started.use(await openAudit(options.audit, { clock, log, metrics }));
    const plane = started.use(
      await ControlPlane.start(
        { store, clock, random, log, metrics, encryption: security.encryption },
        planeOptions(options, settings, { pki, auditor }),
        createSecurity({ clock, random, ...securityOf(pki), ...security.options }),
      ),
    );
    started.use(face);
    const port = await listen(plane, pki, { settings, options, advertise: addresses.gateway });
    const server = `https://127.0.0.1:${port}`;
    writeKubeconfigs(options, pki, server);
    phases.done('API server');
    await Promise.all([
      reconcileServices(plane, addresses, port, options.nodes),
      reconcileExtensionAuthentication(plane.client, securityOf(pki), clock),
      ensureDefaultStorageClass(plane.client),
    ]);
    const deps = { plane, clock, random, log, metrics };
    const components = started.use(new ComponentSet(deps, componentOptions(options, settings, pki)));
    serveExplanations(plane.server, components.scheduler);
    components.start();
    phases.done('controllers and scheduler');
    const { node, simNodes } = await startNodes(deps, { options, settings, addresses });
    phases.done(options.nodes.kind === 'oci' ? 'node' : `${options.nodes.count} sim nodes`);
    const cluster = new LocalCluster({
      plane,
      components,
      settings: { ...settings, port },
      server,
      kubeconfig: options.kubeconfig ?? options.directory.kubeconfig,
      metrics,
      node,
      simNodes,
      etcdFace: face,
      security,
      auditor,
    });
    started.move();
    return cluster;
  }

  /** Stops; containers go on running and are taken over by the next start. */
  async close(): Promise<void> {
    await this.node?.close();
    await this.#stopRest();
  }

  /** Stops everything and leaves nothing on the host but the data directory. */
  async destroy(): Promise<void> {
    await this.node?.destroy();
    await this.#stopRest();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stopRest(): Promise<void> {
    await this.#simNodes?.close();
    await this.components.close();
    await this.#etcdFace?.[Symbol.asyncDispose]();
    await this.plane.close();
    await this.#security[Symbol.asyncDispose]();
    await this.#auditor?.[Symbol.asyncDispose]();
  }
}

class PhaseTimer {
  readonly #options: Pick<LocalClusterOptions, 'clock' | 'onPhase'>;
  #sinceMs: number;

  constructor(options: Pick<LocalClusterOptions, 'clock' | 'onPhase'>) {
    this.#options = options;
    this.#sinceMs = options.clock.monotonicMs();
  }

  done(name: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#options.onPhase(name, nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
  }
}

function planeOptions(
  { limits, log }: LocalClusterOptions,
  settings: ClusterSettings,
  { pki, auditor }: { readonly pki: ClusterPki; readonly auditor: Auditor | undefined },
): ControlPlaneOptions {
  return {
    ...settings,
    aggregation: { frontProxyClient: pki.frontProxyClient, registersLocal: true },
    ...(limits === undefined ? {} : { limits }),
    auditor,
    loadDescriptions: async () => (await import('./api-descriptions.ts')).loadApiDescriptions(log),
  };
}

function componentOptions(
  { nodes, directory, scheduler }: LocalClusterOptions,
  { podCidr }: ClusterSettings,
  { authority }: ClusterPki,
): ComponentOptions {
  const isSimulated = nodes.kind === 'sim';
  return {
    rootCaPem: authority.certificatePem,
    signCertificate: (wanted) => signRequest(authority, wanted),
    // Simulated nodes touch nothing on the host, and there may be thousands of them.
    podCidr: isSimulated ? SIM_POD_CIDR : podCidr,
    localVolumes: isSimulated ? simVolumes() : hostVolumes(directory.volumes),
    ...(scheduler === undefined ? {} : { scheduler }),
  };
}

interface Addresses {
  readonly kubernetesIp: string;
  readonly dnsIp: string;
  readonly nodePodCidr: string;
  readonly gateway: string;
  readonly nodeIp: string;
}

/** The fixed addresses that follow from the ranges, as kubeadm places them. */
function addressesOf({ serviceCidr, podCidr, instanceId }: ClusterSettings): Addresses {
  const services = defined(Cidr.parse(serviceCidr), 'the service range');
  const node = defined(Cidr.parse(podCidr)?.subnet(NODE_PREFIX_LENGTH, 0), 'the first node range');
  return {
    kubernetesIp: defined(services.at(1), 'the first service address'),
    dnsIp: defined(services.at(10), 'the tenth service address'),
    nodePodCidr: node.toString(),
    gateway: defined(node.at(1), 'the first pod address'),
    nodeIp: primaryAddress((name) => name.includes(instanceId)),
  };
}

/** @throws {DataDirectoryError} real pods would have addresses that something else on this host has */
function freeAddressesOf(settings: ClusterSettings, nodes: NodeChoice): Addresses {
  const addresses = addressesOf(settings);
  if (nodes.kind === 'oci' && isTakenByOthers(addresses.gateway, `cor${settings.instanceId}`)) {
    throw new DataDirectoryError(
      `the pod range ${settings.podCidr} of this cluster is in use on this host by something else (another cluster?): stop that, or start a new cluster with another --data-dir`,
    );
  }
  return addresses;
}

function serverNames({ kubernetesIp, gateway, nodeIp }: Addresses): {
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
} {
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter(({ scopeid }) => scopeid === undefined || scopeid === 0),
  );
  const ipAddresses = new Set([
    '127.0.0.1',
    '::1',
    kubernetesIp,
    gateway,
    nodeIp,
    ...own.filter(({ family }) => family === 'IPv4').map(({ address }) => address),
  ]);
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  return { dnsNames: ['localhost', ...service], ipAddresses: [...ipAddresses] };
}

function securityOf(pki: ClusterPki): {
  serviceAccountKeyPem: string;
  clientAuthorityPem: string;
  frontProxyAuthorityPem: string;
} {
  return {
    serviceAccountKeyPem: pki.serviceAccountKeys.privateKeyPem,
    clientAuthorityPem: pki.authority.certificatePem,
    frontProxyAuthorityPem: pki.frontProxyAuthority.certificatePem,
  };
}

async function listen(
  plane: ControlPlane,
  pki: ClusterPki,
  {
    settings,
    options,
    advertise,
  }: { settings: ClusterSettings; options: LocalClusterOptions; advertise: string },
): Promise<number> {
  const tls = {
    cert: pki.apiserver.certificatePem,
    key: pki.apiserver.keyPem,
    clientCa: pki.authority.certificatePem,
    advertise,
  };
  // Pods reach the server by the bridge's address, which is not there yet; without real nodes it stays local.
  const host = options.nodes.kind === 'oci' ? '0.0.0.0' : '127.0.0.1';
  try {
    return await plane.server.listen({ ...tls, host, port: options.port ?? settings.port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw error;
    }
    if (options.port !== undefined) {
      throw new PortTakenError(options.port, { cause: error });
    }
    options.log.info('port taken, using any free one', { port: settings.port });
    return plane.server.listen({ ...tls, host, port: 0 });
  }
}

function writeKubeconfigs(
  { directory, kubeconfig, clock, random }: LocalClusterOptions,
  { authority }: ClusterPki,
  server: string,
): void {
  for (const path of new Set([directory.kubeconfig, kubeconfig ?? directory.kubeconfig])) {
    ensureKubeconfig({
      path,
      clusterName: CLUSTER_NAME,
      server,
      userName: 'kubernetes-admin',
      authority,
      subject: { commonName: 'kubernetes-admin', organizations: ['system:masters'] },
      clock,
      random,
    });
  }
}

async function reconcileServices(
  { client }: ControlPlane,
  addresses: Addresses,
  port: number,
  nodes: NodeChoice,
): Promise<void> {
  const ip = nodes.kind === 'oci' ? addresses.gateway : addresses.nodeIp;
  await reconcileKubernetesService(client, { clusterIp: addresses.kubernetesIp, endpoint: { ip, port } });
  await reconcileDnsService(client, addresses.dnsIp);
}

interface NodeStart {
  readonly options: LocalClusterOptions;
  readonly settings: ClusterSettings;
  readonly addresses: Addresses;
}

async function startNodes(
  deps: ConstructorParameters<typeof ComponentSet>[0],
  { options, settings, addresses }: NodeStart,
): Promise<{ readonly node: OciNode | undefined; readonly simNodes: SimNodeSet | undefined }> {
  if (options.nodes.kind === 'sim') {
    const simNodes = await SimNodeSet.start(deps, options.nodes.count);
    return { node: undefined, simNodes };
  }
  const node = await OciNode.start(deps, {
    dataDir: options.directory.node,
    instanceId: settings.instanceId,
    programs: options.nodes.programs,
    registryMirrors: options.nodes.registryMirrors,
    nodePodCidr: addresses.nodePodCidr,
    gateway: addresses.gateway,
    clusterCidr: settings.podCidr,
    serviceCidr: settings.serviceCidr,
    dnsServiceIp: addresses.dnsIp,
    nodeIp: addresses.nodeIp,
  });
  return { node, simNodes: undefined };
}
