import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Disk } from '#base/disk.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import { isConflict, isNotFound } from '#api/status-error.ts';
import type { NodeAddress, Pod, Service } from '#api/types/core.v1.ts';
import { NODE, POD, RUNTIME_CLASS, SERVICE } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informers, Lister } from '#client/lister.ts';
import type { ImageService, RuntimeService } from '#runtime/cri.ts';
import { ApiConfigSources } from './container/config-sources.ts';
import { LifecycleHooks } from './container/lifecycle-hooks.ts';
import type { EvictionThresholds } from './eviction/eviction-order.ts';
import { hostSupplyReader, type NodeSupply } from './eviction/node-supply.ts';
import { PressureWatch } from './eviction/pressure-watch.ts';
import { ImageCollector } from './images/image-collector.ts';
import { ImagePuller } from './images/image-puller.ts';
import { KubeletMetrics } from './kubelet-metrics.ts';
import { KubeletStreams } from './kubelet-streams.ts';
import { LogRotation } from './logs/log-rotation.ts';
import { NodeAgent } from './node/node-agent.ts';
import type { NodeFacts } from './node/node-facts.ts';
import { NodeLease } from './node/node-lease.ts';
import { nodeAllocatable } from './node/node-status.ts';
import type { NodeStreams } from './node-streams.ts';
import { NodeHttp } from './server/node-http.ts';
import { Backoff } from './pod/backoff.ts';
import { ContainerStarter } from './pod/container-starter.ts';
import { ContainerStopper } from './pod/container-stopper.ts';
import type { NodeView } from './pod/node-view.ts';
import { OrphanReaper } from './pod/orphan-reaper.ts';
import { parseResolvConf } from './pod/pod-dns.ts';
import { PodPaths } from './pod/pod-paths.ts';
import { PodWorkers } from './pod/pod-workers.ts';
import { ContainerProbes } from './probes/container-probes.ts';
import type { NodeNetwork } from './probes/node-network.ts';
import { NodeProber, type Prober } from './probes/prober.ts';
import type { PodCgroups } from './resources/pod-cgroups.ts';
import { PodStatusWriter } from './status/status-writer.ts';
import type { HostMounts } from './volumes/host-mounts.ts';
import { claimedVolumes } from './volumes/claimed-volume.ts';
import { NodeVolumes } from './volumes/node-volumes.ts';
import { ServiceAccountTokens } from './volumes/service-account-tokens.ts';

export interface KubeletOptions {
  readonly client: Client;
  /** Those of this node alone; the kubelet starts them. */
  readonly informers: Informers;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly events: EventRecorder;
  readonly cgroups: PodCgroups;
  readonly mounts: HostMounts;
  readonly facts: NodeFacts;
  readonly nodeName: string;
  /** Usually `InternalIP` and `Hostname`; pods in the host's network get the internal addresses. */
  readonly addresses: readonly NodeAddress[];
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** Keeps pods' directories; usually `/var/lib/kubelet`. */
  readonly dataDir: string;
  /** Keeps containers' logs; `logs` in the data directory when left out, usually `/var/log/pods`. */
  readonly logsDir?: string;
  /** A directory in memory for Secrets and tokens; they lie with the other volumes when left out. */
  readonly memoryDir?: string;
  /** Labels beside the well-known ones. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Address ranges for the node's pods, when no controller hands them out. */
  readonly podCidrs?: readonly string[];
  readonly podsMax?: number;
  /** Port of the node's own server, told in the node's status. */
  readonly port?: number;
  /** The node's resolver configuration; `/etc/resolv.conf` when left out. */
  readonly resolvConf?: string;
  /** On which it keeps all that; this machine's when left out. */
  readonly disk?: Disk;
  /** How the node reaches its pods, for probes and hooks; by this machine's network when left out. */
  readonly network?: NodeNetwork;
  /** Carries out probes; over {@link network} when left out. */
  readonly prober?: Prober;
  /** When pods have to go because the node runs out; upstream's are `HARD_THRESHOLDS`. Never when left out. */
  readonly eviction?: EvictionThresholds;
  /** What the node has left; this machine's when left out. */
  readonly supply?: () => Promise<NodeSupply>;
}

/** One node's agent. */
export interface Kubelet extends AsyncDisposable {
  readonly streams: NodeStreams;
  /** What the node answers on its own paths: `/pods`, `/stats/summary`, `/metrics`, … */
  readonly http: NodeHttp;
  /** Registers the node and takes up its pods. Resolves when that is under way, not when it is done. */
  start(): Promise<void>;
  /** Lets go of everything. Containers go on running; the next start takes them over. */
  close(): Promise<void>;
}

const PODS_MAX = 110;
const PORT = 10_250;
const NO_THRESHOLDS: EvictionThresholds = {
  memoryAvailableBytes: 0,
  nodeFsAvailableShare: 0,
  nodeFsInodesFreeShare: 0,
  imageFsAvailableShare: 0,
};
/** After the runtime's event stream broke. */
const EVENTS_RETRY_MS = 1_000;
const REAP_RETRY_MS = 5_000;

export function createKubelet(options: KubeletOptions): Kubelet {
  return new NodeKubelet(options);
}

/** Wires the parts and nothing else. */
class NodeKubelet implements Kubelet {
  readonly streams: NodeStreams;
  readonly http: NodeHttp;
  readonly #options: KubeletOptions;
  readonly #tasks: TaskGroup;
  readonly #paths: PodPaths;
  readonly #node: { -readonly [Key in keyof NodeView]: NodeView[Key] };
  readonly #workers: PodWorkers;
  readonly #agent: NodeAgent;
  readonly #reaper: OrphanReaper;
  readonly #pressure: PressureWatch;
  readonly #collector: ImageCollector;
  readonly #services: Lister<Service>;

  constructor(options: KubeletOptions) {
    const { client, clock, log, runtime, informers, metrics } = options;
    this.#options = options;
    this.#tasks = TaskGroup.logging(log);
    this.#paths = new PodPaths(
      options.dataDir,
      options.logsDir ?? join(options.dataDir, 'logs'),
      options.disk,
    );
    this.#node = nodeView(options);
    this.#services = informers.of(SERVICE);
    const sources = new ApiConfigSources(client);
    const volumes = new NodeVolumes({
      paths: this.#paths,
      sources,
      tokens: new ServiceAccountTokens(client, clock),
      mounts: options.mounts,
      claimed: claimedVolumes(client),
      node: this.#node,
      memoryDir: options.memoryDir,
    });
    this.#workers = this.#createWorkers(sources, volumes);
    this.#reaper = new OrphanReaper({ runtime, volumes, cgroups: options.cgroups, paths: this.#paths, log });
    const supply = options.supply ?? hostSupplyReader(options.dataDir, options.images);
    const imageFs = async (): Promise<NodeSupply['imageFs']> => (await supply()).imageFs;
    const collector = new ImageCollector({ clock, log, runtime, images: options.images, imageFs });
    this.#collector = collector;
    this.#pressure = new PressureWatch({
      clock,
      log,
      events: options.events,
      runtime,
      workers: this.#workers,
      supply,
      freeImages: () => collector.removeUnused(),
      thresholds: options.eviction ?? NO_THRESHOLDS,
    });
    this.#agent = new NodeAgent({
      ...options,
      port: options.port ?? PORT,
      labels: options.labels ?? {},
      podCidrs: options.podCidrs ?? [],
      podsMax: options.podsMax ?? PODS_MAX,
      pressure: () => this.#pressure.pressure(),
    });
    const { nodeName } = options;
    const workers = this.#workers;
    this.streams = new KubeletStreams({ runtime, workers, clock });
    this.http = new NodeHttp({ nodeName, workers, runtime, streams: this.streams, metrics, clock });
    new KubeletMetrics(metrics, nodeName).observe(metrics, workers);
  }

  async start(): Promise<void> {
    const { informers, nodeName, client, clock, log, runtime, dataDir, resolvConf } = this.#options;
    const { disk } = this.#paths;
    await disk.mkdir(dataDir, { recursive: true });
    const text = resolvConf ?? (await disk.readFile('/etc/resolv.conf').catch(() => '')).toString();
    this.#node.dns = { ...this.#node.dns, host: parseResolvConf(text) };
    const pods = informers.of(POD, { fieldSelector: `spec.nodeName=${nodeName}` });
    const nodes = informers.of(NODE, { fieldSelector: `metadata.name=${nodeName}` });
    informers.start();
    this.#tasks.spawn('node', (signal) =>
      this.#agent.run(signal, (node) => {
        const lease = new NodeLease({ client, clock, log }, node);
        this.#tasks.spawn('node lease', (closing) => lease.run(closing));
      }),
    );
    this.#tasks.spawn('runtime events', (signal) => this.#followRuntime(signal));
    this.#tasks.spawn('log rotation', (signal) => new LogRotation({ runtime, clock, log, disk }).run(signal));
    this.#tasks.spawn('image collector', (signal) => this.#collector.run(signal));
    if (this.#options.eviction !== undefined) {
      this.#tasks.spawn('pressure', (signal) => this.#pressure.run(signal));
    }
    this.#tasks.spawn('pods', async (signal) => {
      await informers.whenSynced(signal);
      const useRange = (node: Parameters<NodeAgent['useRange']>[0]): void =>
        this.#tasks.spawn('pod range', () => this.#agent.useRange(node));
      nodes.addHandler({ onAdd: useRange, onUpdate: (_, node) => useRange(node) });
      const known = new Set(pods.list().map(({ metadata }) => metadata.uid));
      // Workers first: a pod does not wait for the remains of others.
      pods.addHandler(this.#workers.handler);
      await this.#reap((uid) => known.has(uid) || this.#workers.has(uid), signal);
    });
  }

  async close(): Promise<void> {
    await this.#workers.close();
    await this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #reap(isKnown: (uid: string) => boolean, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const closed = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => closed.resolve(), { once: true });
    for (;;) {
      try {
        // Their grace periods are not waited for when the kubelet closes.
        await Promise.race([this.#reaper.reap(isKnown), closed.promise]);
        return;
      } catch (error) {
        log.warn('pods of the past not ended', { error });
        await clock.sleep(REAP_RETRY_MS, signal);
      }
    }
  }

  async #followRuntime(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const event of runtime.containerEvents(signal)) {
          if (event.type === 'overflow') {
            this.#workers.wakeAll();
          } else {
            this.#workers.wake(event.podUid);
          }
        }
      } catch (error) {
        log.warn('events of the container runtime broke off', { error });
      }
      if (!signal.aborted) {
        await clock.sleep(EVENTS_RETRY_MS, signal);
        this.#workers.wakeAll();
      }
    }
  }

  #createWorkers(sources: ApiConfigSources, volumes: NodeVolumes): PodWorkers {
    const { client, clock, random, log, events, runtime, images, cgroups, metrics, nodeName } = this.#options;
    const hooks = new LifecycleHooks(runtime, clock, this.#options.network);
    const puller = new ImagePuller({ images, sources, events, clock });
    const paths = this.#paths;
    const node = this.#node;
    const prober = this.#options.prober ?? new NodeProber(runtime, clock, this.#options.network);
    const counters = new KubeletMetrics(metrics, nodeName);
    const services = (): readonly Service[] => this.#services.list();
    const probeDeps = {
      clock,
      log,
      events,
      prober,
      count: counters.countProbe.bind(counters),
    };
    return new PodWorkers({
      clock,
      log,
      events,
      runtime,
      runtimeName: async () => (await runtime.version()).runtimeName,
      node,
      paths,
      starter: new ContainerStarter({ runtime, puller, hooks, sources, services, node, paths, events, log }),
      stopper: new ContainerStopper({ runtime, hooks, events, clock, log }),
      volumes,
      cgroups,
      statusWriter: new PodStatusWriter({ client, clock, tasks: this.#tasks, log }),
      crashBackoff: new Backoff(clock),
      pullBlockedUntilMs: (pod, image) => puller.blockedUntilMs(pod, image),
      forget: (pod) => puller.forget(pod),
      probes: (pod, onChange) => new ContainerProbes(probeDeps, pod, onChange),
      runtimeHandler: (pod, signal) => runtimeHandler(client, pod, signal),
      deletePod: (pod, signal) => deletePod(client, pod, signal),
      jitter: () => random.float(),
    });
  }
}

function nodeView(options: KubeletOptions): NodeView {
  const { nodeName, addresses, clusterDns, clusterDomain, facts, podsMax } = options;
  const allocatable = nodeAllocatable(facts, podsMax ?? PODS_MAX);
  return {
    name: nodeName,
    hostIps: addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    clusterDomain,
    dns: { clusterDns, clusterDomain, host: { servers: [], searches: [], options: [] } },
    memoryCapacityBytes: facts.memoryBytes,
    allocatable: () => allocatable,
  };
}

async function runtimeHandler(
  client: Client,
  { spec }: Pod,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { runtimeClassName: name = '' } = spec;
  return name === '' ? undefined : (await client.of(RUNTIME_CLASS).get('', name, signal)).handler;
}

async function deletePod(client: Client, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  const options = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
  try {
    await client.of(POD).delete(metadata.namespace, metadata.name, options, signal);
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) {
      throw error;
    }
  }
}
