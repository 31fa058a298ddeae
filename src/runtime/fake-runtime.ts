import { PassThrough, type Duplex } from 'node:stream';
import type { Clock, Timer } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { AddressPool } from './address-pool.ts';
import { ContainerEventHub } from './container-events.ts';
import { Ipv4Range } from './ipv4-range.ts';
import { FakeImages } from './fake-images.ts';
import type { FakeConnect, FakeLife } from './fake-life.ts';
import { openFakeSession, runToEnd, type FakeProgram } from './fake-session.ts';
import {
  RuntimeError,
  type AttachOptions,
  type Container,
  type ContainerConfig,
  type ContainerChange,
  type ContainerEvent,
  type ContainerFilter,
  type ContainerState,
  type ContainerStatus,
  type ExecOptions,
  type ExecSession,
  type ExecSyncResult,
  type LinuxContainerResources,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxFilter,
  type PodSandboxState,
  type PodSandboxStatus,
  type RuntimeConfig,
  type RuntimeService,
  type RuntimeStatus,
  type RuntimeVersion,
} from './cri.ts';
import type { ContainerStats, PodSandboxStats, StatsFilter } from './cri-stats.ts';
import { matchesContainer, matchesSandbox, matchesStats } from './filters.ts';

export interface FakeRuntimeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How a new container will live; for ever and obediently when left out. */
  readonly life?: (config: ContainerConfig, sandboxConfig: PodSandboxConfig) => FakeLife;
  /** Receives each CRI log line, with its line end, of a container that has a log path; at its start nothing. */
  readonly appendLog?: (path: string, line: string) => void;
  /** Of the pods, until the node gets a range; 10.88.0.0/16 when left out. */
  readonly podCidr?: string;
}

interface FakeSandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  readonly createdAtMs: number;
  readonly ip: string | undefined;
  state: PodSandboxState;
}

interface FakeContainer {
  readonly id: string;
  readonly sandbox: FakeSandbox;
  readonly config: ContainerConfig;
  readonly life: FakeLife;
  readonly imageId: string;
  readonly createdAtMs: number;
  readonly logs: string[];
  /** Sessions that see the output written from now on. */
  readonly attached: Set<PassThrough>;
  readonly ended: PromiseWithResolvers<void>;
  readonly terminated: AbortController;
  readonly killed: AbortController;
  state: ContainerState;
  resources: LinuxContainerResources;
  startedAtMs: number | undefined;
  finishedAtMs: number | undefined;
  exitCode: number | undefined;
  reason: string;
  message: string;
  exitTimer: Timer | undefined;
}

/** Lines of output a fake container remembers. */
const LOG_LINES_MAX = 1_000;

/**
 * The runtime without a host: pods and containers that only live on a {@link Clock}. It keeps the
 * contract of the port (states, events, errors, idempotence), so what is tested against it holds for the
 * real ones; a test moves it by `exitContainer`, `writeLog`, `onExec` and `failNext`.
 */
export class FakeRuntime implements RuntimeService {
  readonly images: FakeImages;
  readonly #options: FakeRuntimeOptions;
  readonly #clock: Clock;
  readonly #events: ContainerEventHub;
  readonly #sandboxes = new Map<string, FakeSandbox>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #failures = new Map<string, RuntimeError[]>();
  #addresses: AddressPool;
  #program: FakeProgram = () => 0;
  #connect: FakeConnect | undefined;

  constructor(options: FakeRuntimeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#addresses = new AddressPool(Ipv4Range.parse(options.podCidr ?? '10.88.0.0/16'));
    this.#events = new ContainerEventHub(options.clock);
    this.images = new FakeImages(options.clock);
  }

  /** Ends a running container as if its process had. `OOMKilled` as the reason also tells the `oom` event. */
  exitContainer(containerId: string, exitCode: number, reason?: string): void {
    const container = this.#container(containerId);
    if (reason === 'OOMKilled') {
      this.#publish('oom', container);
    }
    this.#end(container, exitCode, reason);
  }

  /** Lets a running container write one line. */
  writeLog(containerId: string, stream: 'stdout' | 'stderr', text: string): void {
    const container = this.#container(containerId);
    const line = `${new Date(this.#clock.nowMs()).toISOString().replace('Z', '000000Z')} ${stream} F ${text}\n`;
    container.logs.push(line);
    if (container.logs.length > LOG_LINES_MAX) {
      container.logs.shift();
    }
    for (const session of container.attached) {
      session.write(`${text}\n`);
    }
    const path = logPathOf(container);
    if (path !== '') {
      this.#options.appendLog?.(path, line);
    }
  }

  /** The CRI log lines a container has written, oldest first, the last 1,000. */
  logLines(containerId: string): readonly string[] {
    return this.#container(containerId).logs;
  }

  /** What commands run by `exec` and `execSync` do from now on; they end with 0 and no output until told. */
  onExec(program: FakeProgram): void {
    this.#program = program;
  }

  /** Answers port-forwards from now on; nothing listens until told. */
  onPortForward(connect: FakeConnect): void {
    this.#connect = connect;
  }

  /** Makes the next call of `method` fail; called several times, as many calls. */
  failNext(method: keyof RuntimeService, error: RuntimeError): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  /** Ends event subscriptions, timers and programs; whoever waits for a container waits no longer. */
  close(): void {
    this.#events.close();
    for (const container of this.#containers.values()) {
      release(container);
    }
  }

  async version(): Promise<RuntimeVersion> {
    this.#enter('version');
    return { version: '0.1.0', runtimeName: 'fake', runtimeVersion: '1.0.0', runtimeApiVersion: 'v1' };
  }

  async status(): Promise<RuntimeStatus> {
    this.#enter('status');
    const ready = { status: true, reason: '', message: '' };
    return {
      conditions: [
        { type: 'RuntimeReady', ...ready },
        { type: 'NetworkReady', ...ready },
      ],
      runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
      features: { supplementalGroupsPolicy: true, userNamespacesHostNetwork: false },
    };
  }

  async updateRuntimeConfig(config: RuntimeConfig): Promise<void> {
    this.#enter('updateRuntimeConfig');
    const range = Ipv4Range.parse(config.networkConfig.podCidr.split(',')[0] ?? '');
    this.#addresses = new AddressPool(range);
    for (const { ip, state } of this.#sandboxes.values()) {
      if (ip !== undefined && state === 'ready') {
        this.#addresses.adopt(ip);
      }
    }
  }

  async runPodSandbox(config: PodSandboxConfig, runtimeHandler = ''): Promise<string> {
    this.#enter('runPodSandbox');
    const { uid, attempt } = config.metadata;
    for (const other of this.#sandboxes.values()) {
      if (other.config.metadata.uid === uid && other.config.metadata.attempt === attempt) {
        throw new RuntimeError('already-exists', `sandbox attempt ${attempt} of pod ${uid} is already there`);
      }
    }
    if (runtimeHandler !== '') {
      throw new RuntimeError('not-found', `no runtime for "${runtimeHandler}" is configured`);
    }
    const isHostNetwork = config.linux.securityContext.namespaceOptions.network === 'node';
    const sandbox: FakeSandbox = {
      id: this.#newId(),
      config,
      runtimeHandler,
      createdAtMs: this.#clock.nowMs(),
      ip: isHostNetwork ? undefined : this.#addresses.allocate(),
      state: 'ready',
    };
    this.#sandboxes.set(sandbox.id, sandbox);
    return sandbox.id;
  }

  async stopPodSandbox(podSandboxId: string): Promise<void> {
    this.#enter('stopPodSandbox');
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (sandbox === undefined || sandbox.state === 'notready') {
      return;
    }
    for (const container of this.#containersOf(sandbox)) {
      this.#end(container, 137);
    }
    sandbox.state = 'notready';
    if (sandbox.ip !== undefined) {
      this.#addresses.release(sandbox.ip);
    }
    this.#events.publish({ ...this.#event('sandbox-stopped', sandbox), containerId: '' });
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    this.#enter('removePodSandbox');
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (sandbox === undefined) {
      return;
    }
    await this.stopPodSandbox(podSandboxId);
    for (const container of this.#containersOf(sandbox)) {
      await this.removeContainer(container.id);
    }
    this.#sandboxes.delete(podSandboxId);
  }

  async podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus> {
    this.#enter('podSandboxStatus');
    const sandbox = this.#sandbox(podSandboxId);
    return {
      ...sandboxSummary(sandbox),
      network: { ips: sandbox.ip === undefined || sandbox.state === 'notready' ? [] : [sandbox.ip] },
      linux: { namespaces: sandbox.config.linux.securityContext.namespaceOptions },
    };
  }

  async listPodSandbox(filter?: PodSandboxFilter): Promise<readonly PodSandbox[]> {
    this.#enter('listPodSandbox');
    return [...this.#sandboxes.values()]
      .map(sandboxSummary)
      .filter((sandbox) => matchesSandbox(sandbox, filter));
  }

  async createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
  ): Promise<string> {
    this.#enter('createContainer');
    const sandbox = this.#sandbox(podSandboxId);
    if (sandbox.state !== 'ready') {
      throw new RuntimeError('failed-precondition', `sandbox ${podSandboxId} is not running`);
    }
    for (const { config: other } of this.#containersOf(sandbox)) {
      if (
        other.metadata.name === config.metadata.name &&
        other.metadata.attempt === config.metadata.attempt
      ) {
        throw new RuntimeError('already-exists', `container ${config.metadata.name} is already there`);
      }
    }
    const image = await this.images.imageStatus(config.image);
    if (image === undefined) {
      throw new RuntimeError('not-found', `image ${config.image.image} is not on this node`);
    }
    const container: FakeContainer = {
      id: this.#newId(),
      sandbox,
      config,
      life: this.#options.life?.(config, sandboxConfig) ?? {},
      imageId: image.id,
      createdAtMs: this.#clock.nowMs(),
      logs: [],
      attached: new Set(),
      ended: Promise.withResolvers(),
      terminated: new AbortController(),
      killed: new AbortController(),
      state: 'created',
      resources: config.linux.resources,
      startedAtMs: undefined,
      finishedAtMs: undefined,
      exitCode: undefined,
      reason: '',
      message: '',
      exitTimer: undefined,
    };
    this.#containers.set(container.id, container);
    this.#publish('created', container);
    return container.id;
  }

  async startContainer(containerId: string): Promise<void> {
    this.#enter('startContainer');
    const container = this.#container(containerId);
    if (container.state !== 'created') {
      throw new RuntimeError('failed-precondition', `container ${containerId} is ${container.state}`);
    }
    const { startError, exitAfterMs, exitCode, run } = container.life;
    if (startError !== undefined) {
      this.#end(container, 128, 'StartError', startError);
      throw new RuntimeError('internal', startError);
    }
    container.state = 'running';
    container.startedAtMs = this.#clock.nowMs();
    if (logPathOf(container) !== '') {
      // A log is there from the start, even when nothing is written.
      this.#options.appendLog?.(logPathOf(container), '');
    }
    this.#publish('started', container);
    if (run !== undefined) {
      const { terminated, killed, sandbox } = container;
      const main = { containerId, podIp: sandbox.ip, terminated: terminated.signal, killed: killed.signal };
      void run(main).then((code) => this.#end(container, code));
    } else if (exitAfterMs !== undefined) {
      container.exitTimer = this.#clock.schedule(exitAfterMs, () => this.#end(container, exitCode ?? 0));
    }
  }

  async stopContainer(containerId: string, timeoutSeconds: number): Promise<void> {
    this.#enter('stopContainer');
    const container = this.#containers.get(containerId);
    if (container === undefined || container.state === 'exited') {
      return;
    }
    if (container.state === 'created') {
      this.#end(container, 137);
      return;
    }
    const { run, stopAfterMs = run === undefined ? 0 : Infinity, stopExitCode = 143 } = container.life;
    container.terminated.abort();
    const isObedient = stopAfterMs <= timeoutSeconds * 1000 && timeoutSeconds > 0;
    container.exitTimer?.cancel();
    container.exitTimer = this.#clock.schedule(isObedient ? stopAfterMs : timeoutSeconds * 1000, () =>
      this.#end(container, isObedient ? stopExitCode : 137),
    );
    await container.ended.promise;
  }

  async removeContainer(containerId: string): Promise<void> {
    this.#enter('removeContainer');
    const container = this.#containers.get(containerId);
    if (container === undefined) {
      return;
    }
    this.#end(container, 137);
    this.#containers.delete(containerId);
    this.#publish('deleted', container);
  }

  async listContainers(filter?: ContainerFilter): Promise<readonly Container[]> {
    this.#enter('listContainers');
    return [...this.#containers.values()]
      .map(containerSummary)
      .filter((container) => matchesContainer(container, filter));
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    this.#enter('containerStatus');
    const container = this.#container(containerId);
    const { runAsUser = 0, runAsGroup = 0, supplementalGroups = [] } = container.config.linux.securityContext;
    return {
      ...containerSummary(container),
      ...(container.startedAtMs === undefined ? {} : { startedAtMs: container.startedAtMs }),
      ...(container.finishedAtMs === undefined ? {} : { finishedAtMs: container.finishedAtMs }),
      ...(container.exitCode === undefined ? {} : { exitCode: container.exitCode }),
      reason: container.reason,
      message: container.message,
      mounts: container.config.mounts,
      logPath: logPathOf(container),
      resources: container.resources,
      user: { uid: runAsUser, gid: runAsGroup, supplementalGroups },
      stopSignal: container.config.stopSignal ?? 'SIGTERM',
    };
  }

  async updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void> {
    this.#enter('updateContainerResources');
    const container = this.#container(containerId);
    container.resources = { ...container.resources, ...resources };
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    this.#enter('reopenContainerLog');
    this.#running(containerId);
  }

  async execSync(
    containerId: string,
    cmd: readonly string[],
    timeoutSeconds: number,
  ): Promise<ExecSyncResult> {
    this.#enter('execSync');
    const container = this.#running(containerId);
    return await runToEnd(
      this.#program,
      { containerId, name: container.config.metadata.name, cmd },
      { clock: this.#clock, timeoutSeconds },
    );
  }

  async exec(options: ExecOptions): Promise<ExecSession> {
    this.#enter('exec');
    const container = this.#running(options.containerId);
    return openFakeSession(this.#program, container.config.metadata.name, options);
  }

  async attach(options: AttachOptions): Promise<ExecSession> {
    this.#enter('attach');
    const container = this.#running(options.containerId);
    const program: FakeProgram = async ({ stdout, signal }) => {
      const output = new PassThrough();
      container.attached.add(output);
      output.pipe(stdout, { end: false });
      const closed = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => closed.resolve(), { once: true });
      await Promise.race([container.ended.promise, closed.promise]);
      container.attached.delete(output);
      return 0;
    };
    return openFakeSession(program, container.config.metadata.name, { ...options, cmd: [] });
  }

  async portForward(podSandboxId: string, port: number): Promise<Duplex> {
    this.#enter('portForward');
    const { ip } = this.#sandbox(podSandboxId);
    if (this.#connect === undefined) {
      throw new RuntimeError('unavailable', `connect to port ${port}: connection refused`);
    }
    return this.#connect(podSandboxId, port, ip);
  }

  async containerStats(containerId: string): Promise<ContainerStats> {
    this.#enter('containerStats');
    return this.#statsOf(this.#container(containerId));
  }

  async listContainerStats(filter?: StatsFilter): Promise<readonly ContainerStats[]> {
    this.#enter('listContainerStats');
    return [...this.#containers.values()]
      .filter((container) => matchesStats(container.id, container.config.labels, filter))
      .filter(({ sandbox }) => filter?.podSandboxId === undefined || sandbox.id === filter.podSandboxId)
      .map((container) => this.#statsOf(container));
  }

  async podSandboxStats(podSandboxId: string): Promise<PodSandboxStats> {
    this.#enter('podSandboxStats');
    return this.#sandboxStatsOf(this.#sandbox(podSandboxId));
  }

  async listPodSandboxStats(filter?: StatsFilter): Promise<readonly PodSandboxStats[]> {
    this.#enter('listPodSandboxStats');
    return [...this.#sandboxes.values()]
      .filter((sandbox) => matchesStats(sandbox.id, sandbox.config.labels, filter))
      .map((sandbox) => this.#sandboxStatsOf(sandbox));
  }

  containerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    return this.#events.subscribe(signal);
  }

  #enter(method: keyof RuntimeService): void {
    const error = this.#failures.get(method)?.shift();
    if (error !== undefined) {
      throw error;
    }
  }

  #end(container: FakeContainer, exitCode: number, reason?: string, message = ''): void {
    if (container.state === 'exited') {
      return;
    }
    container.state = 'exited';
    container.finishedAtMs = this.#clock.nowMs();
    container.exitCode = exitCode;
    container.reason = reason ?? (exitCode === 0 ? 'Completed' : 'Error');
    container.message = message;
    release(container);
    this.#publish('stopped', container);
  }

  #publish(type: ContainerChange['type'], container: FakeContainer): void {
    this.#events.publish({ ...this.#event(type, container.sandbox), containerId: container.id });
  }

  #event(type: ContainerChange['type'], sandbox: FakeSandbox): Omit<ContainerChange, 'containerId'> {
    return {
      type,
      podSandboxId: sandbox.id,
      podUid: sandbox.config.metadata.uid,
      atMs: this.#clock.nowMs(),
    };
  }

  #containersOf(sandbox: FakeSandbox): FakeContainer[] {
    return [...this.#containers.values()].filter((container) => container.sandbox === sandbox);
  }

  #sandbox(podSandboxId: string): FakeSandbox {
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (sandbox === undefined) {
      throw new RuntimeError('not-found', `sandbox ${podSandboxId} not found`);
    }
    return sandbox;
  }

  #container(containerId: string): FakeContainer {
    const container = this.#containers.get(containerId);
    if (container === undefined) {
      throw new RuntimeError('not-found', `container ${containerId} not found`);
    }
    return container;
  }

  #running(containerId: string): FakeContainer {
    const container = this.#container(containerId);
    if (container.state !== 'running') {
      throw new RuntimeError('failed-precondition', `container ${containerId} is not running`);
    }
    return container;
  }

  #newId(): string {
    return this.#options.random.bytes(32).toHex();
  }

  #statsOf({ id, config, state }: FakeContainer): ContainerStats {
    const { metadata, labels, annotations } = config;
    const attributes = { id, metadata, labels, annotations };
    return state === 'running' ? { attributes, ...idleUsage(this.#clock) } : { attributes };
  }

  #sandboxStatsOf(sandbox: FakeSandbox): PodSandboxStats {
    const { metadata, labels, annotations } = sandbox.config;
    return {
      attributes: { id: sandbox.id, metadata, labels, annotations },
      ...idleUsage(this.#clock),
      containers: this.#containersOf(sandbox).map((container) => this.#statsOf(container)),
    };
  }
}

function idleUsage(clock: Clock): Pick<ContainerStats, 'cpu' | 'memory'> {
  const timestampMs = clock.nowMs();
  const memory = { workingSetBytes: 0, usageBytes: 0, rssBytes: 0, pageFaults: 0, majorPageFaults: 0 };
  return {
    cpu: { timestampMs, usageCoreNanoSeconds: 0, usageNanoCores: 0 },
    memory: { timestampMs, ...memory },
  };
}

function sandboxSummary({ id, config, runtimeHandler, createdAtMs, state }: FakeSandbox): PodSandbox {
  const { metadata, labels, annotations } = config;
  return { id, metadata, state, createdAtMs, labels, annotations, runtimeHandler };
}

function containerSummary(container: FakeContainer): Container {
  const { id, sandbox, config, imageId, state, createdAtMs } = container;
  const { metadata, image, labels, annotations } = config;
  return {
    id,
    podSandboxId: sandbox.id,
    metadata,
    image,
    imageRef: imageId,
    imageId,
    state,
    createdAtMs,
    labels,
    annotations,
  };
}

function release({ exitTimer, terminated, killed, ended }: FakeContainer): void {
  exitTimer?.cancel();
  terminated.abort();
  killed.abort();
  ended.resolve();
}

function logPathOf({ sandbox, config }: FakeContainer): string {
  return config.logPath === '' ? '' : `${sandbox.config.logDirectory}/${config.logPath}`;
}
