import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { ContainerEventHub } from '../container-events.ts';
import {
  RuntimeError,
  type AttachOptions,
  type Container,
  type ContainerConfig,
  type ContainerEvent,
  type ContainerFilter,
  type ContainerStatus,
  type ExecOptions,
  type ExecSession,
  type ExecSyncResult,
  type LinuxContainerResources,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxFilter,
  type PodSandboxStatus,
  type RuntimeConfig,
  type RuntimeService,
  type RuntimeStatus,
  type RuntimeVersion,
} from '../cri.ts';
import type { ContainerStats, PodSandboxStats, StatsFilter } from '../cri-stats.ts';
import { matchesContainer, matchesSandbox, matchesStats } from '../filters.ts';
import { openAttachSession } from './attach-session.ts';
import { BridgeNetwork } from './bridge-network.ts';
import { Cgroups } from './cgroups.ts';
import type { HostPrograms } from './check-host.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { containerStatusOf, containerSummary } from './container-record.ts';
import { destroyInstance } from './destroy-instance.ts';
import { openExecSession } from './exec-session.ts';
import { InstancePaths } from './instance-paths.ts';
import { Libc } from './libc.ts';
import { LowRuntime } from './low-runtime.ts';
import { OciImages } from './oci-images.ts';
import { readHostLimits, type OciHost } from './oci-host.ts';
import { OciStats } from './oci-stats.ts';
import { PodContainers } from './pod-containers.ts';
import { PodSandboxes, sandboxSummary } from './pod-sandboxes.ts';
import type { RegistryMirrors } from './registry-client.ts';

export interface OciRuntimeOptions {
  /** Tells this runtime's things apart from those of others on the host; 1 to 8 lower-case letters and digits. */
  readonly instance: string;
  /** Absolute path of a directory of its own. */
  readonly dataDir: string;
  /** From `checkHost`. */
  readonly programs: HostPrograms;
  /** Range of this node's pods until {@link RuntimeService.updateRuntimeConfig} gives another. */
  readonly podCidr: string;
  /** Range of all pods of the cluster; this node's when left out. */
  readonly clusterCidr?: string;
  readonly registryMirrors?: RegistryMirrors;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Helper programs that run at the same time; more only fight over the cores. */
const PROGRAMS_MAX = 8;
const EXEC_OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Real containers on this host without a daemon: images unpacked by us, stacked by overlayfs, run by crun or
 * runc, watched over by conmon. Containers outlive the object and the process; the next `open` with the
 * same instance and directory takes them over.
 */
export class OciRuntime implements RuntimeService {
  readonly images: OciImages;
  readonly #host: OciHost;
  readonly #sandboxes: PodSandboxes;
  readonly #containers: PodContainers;
  readonly #stats: OciStats;

  private constructor(host: OciHost, mirrors: RegistryMirrors) {
    this.#host = host;
    this.images = new OciImages(host.paths.images, { libc: host.libc, clock: host.clock, mirrors });
    const { store: images, layers } = this.images;
    this.#sandboxes = new PodSandboxes(host);
    this.#containers = new PodContainers({ host, sandboxes: this.#sandboxes, images, layers });
    this.#stats = new OciStats(host, this.#sandboxes, this.#containers);
    this.images.onRemoved(async () => await this.#containers.sweepLayers());
  }

  /** Starts the runtime: takes over what an earlier run left, and clears away what it did not finish. */
  static async open(options: OciRuntimeOptions): Promise<OciRuntime> {
    const host = makeHost(options);
    host.paths.create();
    const runtime = new OciRuntime(host, options.registryMirrors ?? new Map());
    try {
      await runtime.#adopt();
    } catch (error) {
      await runtime.close();
      throw error;
    }
    return runtime;
  }

  /**
   * Removes everything an instance has on this host but its images, running or crashed. An open runtime of
   * that instance must be closed first.
   */
  static async destroy(options: OciRuntimeOptions): Promise<void> {
    await destroyInstance(makeHost(options));
  }

  /** Lets go of watchers and streams. The containers run on. */
  async close(): Promise<void> {
    await this.#containers.close();
    this.#host.events.close();
  }

  /** Makes or changes a pod's cgroup (`cgroupParent` of its sandboxes) and sets its limits. */
  async ensurePodCgroup(cgroupParent: string, resources: LinuxContainerResources): Promise<void> {
    this.#host.cgroups.create(join(this.#host.paths.cgroup, cgroupParent), resources);
  }

  /** Removes a pod's cgroup, if nothing runs there. */
  async removePodCgroup(cgroupParent: string): Promise<void> {
    this.#host.cgroups.remove(join(this.#host.paths.cgroup, cgroupParent));
  }

  /** Closes, and removes everything but the images. */
  async destroyAll(): Promise<void> {
    await this.close();
    await destroyInstance(this.#host);
  }

  async version(): Promise<RuntimeVersion> {
    const runtimeVersion = await this.#host.lowRuntime.version();
    return { version: '0.1.0', runtimeName: 'coracle', runtimeVersion, runtimeApiVersion: 'v1' };
  }

  async status(): Promise<RuntimeStatus> {
    const { network, paths } = this.#host;
    const problem = network.problem();
    const isThere = existsSync(paths.runDir);
    return {
      conditions: [
        {
          type: 'RuntimeReady',
          status: isThere,
          reason: isThere ? '' : 'RunDirectoryMissing',
          message: isThere ? '' : `${paths.runDir} is gone`,
        },
        {
          type: 'NetworkReady',
          status: problem === '',
          reason: problem === '' ? '' : 'NetworkPluginNotReady',
          message: problem,
        },
      ],
      runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: true, userNamespaces: false } }],
      features: { supplementalGroupsPolicy: true, userNamespacesHostNetwork: false },
    };
  }

  async updateRuntimeConfig(config: RuntimeConfig): Promise<void> {
    await this.#host.network.setRange(config.networkConfig.podCidr);
  }

  async runPodSandbox(config: PodSandboxConfig, runtimeHandler = ''): Promise<string> {
    if (runtimeHandler !== '') {
      throw new RuntimeError('not-found', `no runtime for "${runtimeHandler}" is configured`);
    }
    return await this.#sandboxes.run(config);
  }

  async stopPodSandbox(podSandboxId: string): Promise<void> {
    await Promise.all(this.#containersOf(podSandboxId).map(async (id) => await this.#containers.stop(id, 0)));
    await this.#sandboxes.stop(podSandboxId);
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    await this.stopPodSandbox(podSandboxId);
    await Promise.all(this.#containersOf(podSandboxId).map(async (id) => await this.#containers.remove(id)));
    await this.#sandboxes.remove(podSandboxId);
  }

  async podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus> {
    return this.#sandboxes.status(podSandboxId);
  }

  async listPodSandbox(filter?: PodSandboxFilter): Promise<readonly PodSandbox[]> {
    return this.#sandboxes
      .list()
      .map(sandboxSummary)
      .filter((sandbox) => matchesSandbox(sandbox, filter));
  }

  async createContainer(podSandboxId: string, config: ContainerConfig): Promise<string> {
    return await this.#containers.create(podSandboxId, config);
  }

  async startContainer(containerId: string): Promise<void> {
    await this.#containers.start(containerId);
  }

  async stopContainer(containerId: string, timeoutSeconds: number): Promise<void> {
    await this.#containers.stop(containerId, timeoutSeconds);
  }

  async removeContainer(containerId: string): Promise<void> {
    await this.#containers.remove(containerId);
  }

  async listContainers(filter?: ContainerFilter): Promise<readonly Container[]> {
    return this.#containers
      .list()
      .map(containerSummary)
      .filter((container) => matchesContainer(container, filter));
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    return containerStatusOf(this.#containers.get(containerId));
  }

  async updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void> {
    await this.#containers.update(containerId, resources);
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    this.#containers.reopenLog(containerId);
  }

  async execSync(
    containerId: string,
    cmd: readonly string[],
    timeoutSeconds: number,
  ): Promise<ExecSyncResult> {
    const session = await this.exec({
      containerId,
      cmd,
      stdin: false,
      stdout: true,
      stderr: true,
      tty: false,
    });
    const late = Promise.withResolvers<never>();
    const timer =
      timeoutSeconds > 0
        ? this.#host.clock.schedule(timeoutSeconds * 1000, () => {
            const message = `command ${JSON.stringify(cmd)} timed out after ${timeoutSeconds} seconds`;
            late.reject(new RuntimeError('deadline-exceeded', message));
          })
        : undefined;
    try {
      const end = Promise.all([collect(session.stdout), collect(session.stderr), session.exit]);
      const [stdout, stderr, { exitCode }] = await Promise.race([end, late.promise]);
      return { stdout, stderr, exitCode };
    } finally {
      timer?.cancel();
      session.close();
    }
  }

  async exec(options: ExecOptions): Promise<ExecSession> {
    const { id } = this.#containers.running(options.containerId);
    return openExecSession(this.#host, this.#containers.paths(id), options);
  }

  async attach(options: AttachOptions): Promise<ExecSession> {
    const record = this.#containers.running(options.containerId);
    const { libc, clock } = this.#host;
    const ended = this.#containers.ended(record.id);
    const paths = this.#containers.paths(record.id);
    return openAttachSession({ record, paths, ended, libc, clock }, options);
  }

  async portForward(podSandboxId: string, port: number): Promise<Duplex> {
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (sandbox.state !== 'ready') {
      throw new RuntimeError('failed-precondition', `sandbox container "${podSandboxId}" is not running`);
    }
    const { libc } = this.#host;
    const pin = this.#sandboxes.namespaces(sandbox).net;
    const connect = (): number | string => libc.connectLoopback(port);
    const connection = pin === undefined ? connect() : libc.inNetworkNamespace(pin, connect);
    if (typeof connection === 'string') {
      throw new RuntimeError(
        'unavailable',
        `failed to connect to localhost:${port} inside namespace "${podSandboxId}": ${connection}`,
      );
    }
    return new Socket({ fd: connection, readable: true, writable: true, allowHalfOpen: true });
  }

  async containerStats(containerId: string): Promise<ContainerStats> {
    return await this.#stats.container(this.#containers.get(containerId));
  }

  async listContainerStats(filter: StatsFilter = {}): Promise<readonly ContainerStats[]> {
    const chosen = this.#containers
      .list()
      .filter(({ id, config }) => matchesStats(id, config.labels, filter))
      .filter(({ sandboxId }) => filter.podSandboxId === undefined || sandboxId === filter.podSandboxId);
    return await Promise.all(chosen.map(async (record) => await this.#stats.container(record)));
  }

  async podSandboxStats(podSandboxId: string): Promise<PodSandboxStats> {
    return await this.#stats.sandbox(this.#sandboxes.get(podSandboxId));
  }

  async listPodSandboxStats(filter: StatsFilter = {}): Promise<readonly PodSandboxStats[]> {
    const chosen = this.#sandboxes.list().filter(({ id, config }) => matchesStats(id, config.labels, filter));
    return await Promise.all(chosen.map(async (record) => await this.#stats.sandbox(record)));
  }

  containerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    return this.#host.events.subscribe(signal);
  }

  async #adopt(): Promise<void> {
    const { network, cgroups, paths } = this.#host;
    await this.#sandboxes.adopt();
    await network.start();
    await this.#containers.adopt();
    // Takes away what is empty; groups with processes resist. Then those that are needed come back.
    cgroups.remove(paths.cgroup);
    cgroups.create(paths.monitorCgroup);
    this.#sandboxes.createCgroups();
    this.#containers.watchLost();
  }

  #containersOf(podSandboxId: string): string[] {
    return this.#containers
      .list()
      .filter(({ sandboxId }) => sandboxId === podSandboxId)
      .map(({ id }) => id);
  }
}

function makeHost(options: OciRuntimeOptions): OciHost {
  const { clock, random, log, programs, podCidr, clusterCidr } = options;
  const libc = Libc.load();
  if (libc === undefined) {
    throw new RuntimeError('unavailable', 'real containers need Linux, and a Node with node:ffi');
  }
  const paths = new InstancePaths(options.instance, options.dataDir);
  const range = clusterCidr === undefined ? {} : { clusterCidr };
  return {
    clock,
    random,
    log,
    paths,
    libc,
    cgroups: Cgroups.detect(log),
    lowRuntime: new LowRuntime(programs.lowRuntime, paths.lowRuntimeRoot),
    conmon: programs.conmon,
    network: new BridgeNetwork({ libc, paths, nft: programs.nft, podCidr, ...range }),
    events: new ContainerEventHub(clock),
    programs: new ConcurrencyLimit(PROGRAMS_MAX),
    limits: readHostLimits(),
  };
}

/** Takes all of a stream, and keeps the first 16 MiB. */
async function collect(stream: Readable | undefined): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    const bytes: Buffer = chunk;
    chunks.push(bytes.subarray(0, Math.max(0, EXEC_OUTPUT_BYTES_MAX - size)));
    size += bytes.length;
  }
  return Buffer.concat(chunks);
}
