import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeError } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import {
  RuntimeError,
  type ContainerChange,
  type ContainerConfig,
  type LinuxContainerResources,
  type Mount,
} from '../cri.ts';
import { buildSpec, ociResources, type BundleInput } from './bundle.ts';
import { KeyedQueue } from './concurrency-limit.ts';
import { createUnderConmon, tellMonitor } from './conmon.ts';
import { ContainerPaths, type ContainerRecord } from './container-record.ts';
import { mountRootfs } from './container-rootfs.ts';
import { ExitWatch, type ContainerExit } from './exit-watch.ts';
import { containerDevices } from './host-devices.ts';
import type { ImageStore, StoredImage } from './image-store.ts';
import { readAccountFiles, resolveUser } from './image-user.ts';
import type { LayerStore } from './layer-store.ts';
import { mountsBelow } from './mount-table.ts';
import type { OciHost } from './oci-host.ts';
import type { PodSandboxes, SandboxRecord } from './pod-sandboxes.ts';
import { RecordStore } from './record-store.ts';
import { sandboxFiles } from './sandbox-files.ts';
import { sendSignal, signalName, signalNumber } from './signals.ts';

/** Exit code of a container whose end nobody saw. */
const EXIT_CODE_UNKNOWN = 255;
const EXIT_CODE_START_ERROR = 128;
const EXIT_CODE_KILLED = 137;
/** How long a killed process may take to vanish before its monitor is taken for dead. */
const KILL_WAIT_MS = 10_000;
const KILL_ROUND_MS = 20;
const LOST_PERIOD_MS = 10_000;

export interface PodContainersOptions {
  readonly host: OciHost;
  readonly sandboxes: PodSandboxes;
  readonly images: ImageStore;
  readonly layers: LayerStore;
}

/** The containers of all sandboxes: their file systems, processes and ends. */
export class PodContainers {
  readonly #host: OciHost;
  readonly #sandboxes: PodSandboxes;
  readonly #images: ImageStore;
  readonly #layers: LayerStore;
  readonly #store: RecordStore<ContainerRecord>;
  readonly #records = new Map<string, ContainerRecord>();
  readonly #ended = new Map<string, PromiseWithResolvers<void>>();
  /** Nobody sees ends any more: who waits for one is let go. */
  readonly #closed = Promise.withResolvers<'closed'>();
  /** Changes of one container's state happen one after the other. */
  readonly #turns = new KeyedQueue();
  readonly #tasks: TaskGroup;
  readonly #exits: ExitWatch;

  constructor({ host, sandboxes, images, layers }: PodContainersOptions) {
    this.#host = host;
    this.#sandboxes = sandboxes;
    this.#images = images;
    this.#layers = layers;
    this.#store = new RecordStore(host.paths.containers);
    this.#tasks = TaskGroup.logging(host.log);
    this.#exits = new ExitWatch(host.paths.exits, (exit) => {
      this.#tasks.spawn('container exit', async () => await this.#settleExit(exit));
    });
  }

  /** Takes over what an earlier run left: running ones run on, ended ones get their exit code. */
  async adopt(): Promise<void> {
    const { records, remains } = this.#store.load();
    for (const [id, record] of records) {
      this.#track(record);
      if (record.state !== 'exited') {
        mountRootfs(this.#host.libc, this.paths(id), this.#layers, record.layers);
      }
    }
    for (const exit of this.#exits.all()) {
      await this.#settleExit(exit);
    }
    for (const record of this.#records.values()) {
      if (record.state === 'running' && !this.#isAlive(record)) {
        this.#finish(record, { exitCode: EXIT_CODE_UNKNOWN, reason: 'Unknown', message: '' });
      } else if (record.state === 'created' && this.#host.lowRuntime.knows(record.id)) {
        const message = 'the runtime ended while it started the container';
        await this.#host.lowRuntime.delete(record.id);
        this.#finish(record, { exitCode: EXIT_CODE_START_ERROR, reason: 'StartError', message });
      }
    }
    for (const id of remains) {
      this.#host.log.info('clearing away an unfinished container', { container: id });
      await this.#release(id);
      await this.#store.delete(id);
    }
  }

  /** Looks now and then for ends that nobody told: a monitor may be killed, and a notification be lost. */
  watchLost(): void {
    this.#tasks.spawn('lost containers', async (signal) => {
      for (;;) {
        await this.#host.clock.sleep(LOST_PERIOD_MS, signal);
        for (const { id, state, pid } of this.list()) {
          if (state === 'running' && !existsSync(`/proc/${pid ?? 0}`)) {
            // The monitor has had half a period to write the exit code down.
            await this.#host.clock.sleep(LOST_PERIOD_MS / 2, signal);
            const atMs = this.#host.clock.nowMs();
            const exit = this.#exits.read(id) ?? { containerId: id, exitCode: EXIT_CODE_UNKNOWN, atMs };
            await this.#settleExit(exit);
          }
        }
      }
    });
  }

  /** Stops watching; the containers run on. */
  async close(): Promise<void> {
    this.#closed.resolve('closed');
    this.#exits[Symbol.dispose]();
    await this.#tasks.close();
  }

  find(id: string): ContainerRecord | undefined {
    return this.#records.get(id);
  }

  /** @throws {RuntimeError} `not-found` */
  get(id: string): ContainerRecord {
    const record = this.#records.get(id);
    if (record === undefined) {
      throw new RuntimeError('not-found', `container ${id} not found`);
    }
    return record;
  }

  /** @throws {RuntimeError} `not-found`, `failed-precondition` */
  running(id: string): ContainerRecord {
    const record = this.get(id);
    if (record.state !== 'running') {
      throw new RuntimeError('failed-precondition', `container ${id} is in ${record.state} state`);
    }
    return record;
  }

  list(): readonly ContainerRecord[] {
    return [...this.#records.values()];
  }

  paths(id: string): ContainerPaths {
    return new ContainerPaths(this.#host.paths.container(id));
  }

  async create(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox.state !== 'ready') {
      throw new RuntimeError('failed-precondition', `sandbox ${sandboxId} is not running`);
    }
    this.#refuseDuplicate(sandboxId, config);
    const image = this.#images.find(config.image.image);
    if (image === undefined) {
      throw new RuntimeError('not-found', `image "${config.image.image}" is not on this node`);
    }
    const id = this.#host.random.bytes(32).toHex();
    try {
      const record = this.#prepare(id, sandbox, config, image);
      this.#store.save(id, record);
      this.#track(record);
      this.#publish('created', record);
      return id;
    } catch (error) {
      await this.#release(id);
      await this.#store.delete(id);
      throw error;
    }
  }

  async start(id: string): Promise<void> {
    await this.#turns.run(id, async () => {
      const record = this.get(id);
      if (record.state !== 'created') {
        throw new RuntimeError('failed-precondition', `container ${id} is in ${record.state} state`);
      }
      try {
        const pid = await this.#startProcess(record);
        const running = { ...record, state: 'running', pid, startedAtMs: this.#host.clock.nowMs() } as const;
        this.#save(running);
        this.#publish('started', running);
      } catch (error) {
        const message = describeError(error);
        this.#finish(record, { exitCode: EXIT_CODE_START_ERROR, reason: 'StartError', message });
        throw error;
      }
    });
  }

  async stop(id: string, timeoutSeconds: number): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined || record.state === 'exited') {
      return;
    }
    if (record.state === 'created') {
      await this.#turns.run(id, async () => {
        if (this.#records.get(id)?.state === 'created') {
          this.#finish(record, { exitCode: EXIT_CODE_KILLED, reason: 'Error', message: '' });
        }
      });
    }
    const running = this.#records.get(id);
    if (running?.state !== 'running') {
      return;
    }
    const isAsked = timeoutSeconds > 0 && this.#signal(running, running.stopSignal);
    if (isAsked && (await this.#waitForEnd(id, timeoutSeconds * 1000)) === 'closed') {
      return;
    }
    await this.#kill(running);
  }

  async remove(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined) {
      return;
    }
    await this.stop(id, 0);
    await this.#release(id);
    this.#host.cgroups.remove(record.cgroup);
    this.#records.delete(id);
    this.#ended.delete(id);
    await this.#store.delete(id);
    this.#publish('deleted', record);
    await this.sweepLayers();
  }

  async update(id: string, resources: LinuxContainerResources): Promise<void> {
    await this.#turns.run(id, async () => {
      const record = this.get(id);
      if (record.state === 'exited') {
        throw new RuntimeError('failed-precondition', `container ${id} is in exited state`);
      }
      if (record.state === 'running') {
        const { lowRuntime, programs } = this.#host;
        const bundle = this.paths(id).directory;
        await programs.run(async () => await lowRuntime.update(id, bundle, ociResources(resources)));
      }
      const { config } = record;
      const merged = { ...config.linux.resources, ...resources };
      const changed = { ...record, config: { ...config, linux: { ...config.linux, resources: merged } } };
      this.#save(changed);
      if (record.state === 'created') {
        this.#rewriteResources(id, merged);
      }
    });
  }

  /** Makes the monitor open the log path anew. */
  reopenLog(id: string): void {
    tellMonitor(this.paths(this.running(id).id), { kind: 'reopen-log' });
  }

  /** Resolves when the container has ended. */
  async ended(id: string): Promise<void> {
    await this.#ended.get(id)?.promise;
  }

  /** Removes the layers that neither an image nor a container needs. */
  async sweepLayers(): Promise<void> {
    const used = this.#images.usedLayers();
    for (const { layers } of this.#records.values()) {
      for (const layer of layers) {
        used.add(layer);
      }
    }
    await this.#layers.sweep(used);
  }

  #refuseDuplicate(sandboxId: string, { metadata }: ContainerConfig): void {
    for (const other of this.#records.values()) {
      const { name, attempt } = other.config.metadata;
      if (other.sandboxId === sandboxId && name === metadata.name && attempt === metadata.attempt) {
        throw new RuntimeError('already-exists', `container ${name} attempt ${attempt} is already there`);
      }
    }
  }

  #prepare(id: string, sandbox: SandboxRecord, config: ContainerConfig, image: StoredImage): ContainerRecord {
    const { libc, clock, limits } = this.#host;
    const paths = this.paths(id);
    mkdirSync(paths.directory, { recursive: true, mode: 0o711 });
    const layers = image.config.rootfs.diff_ids;
    mountRootfs(libc, paths, this.#layers, layers);
    const run = image.config.config ?? {};
    const user = resolveUser(config.linux.securityContext, run.User ?? '', readAccountFiles(paths.rootfs));
    const cgroup = join(this.#sandboxes.cgroup(sandbox), id);
    const { namespaceOptions } = sandbox.config.linux.securityContext;
    const pid = this.#processNamespace(sandbox, config);
    const spec = buildSpec({
      config: { ...config, mounts: config.mounts.map(resolveMount) },
      sandbox: { ...sandbox.config, hostname: sandbox.hostname },
      image: run,
      user,
      rootfs: paths.rootfs,
      cgroupsPath: cgroup,
      namespaces: this.#sandboxes.namespaces(sandbox),
      pid,
      files: sandboxFiles(this.#host.paths.sandbox(sandbox.id), namespaceOptions.ipc === 'pod'),
      devices: containerDevices(config),
      host: limits,
    });
    writeFileSync(paths.spec, JSON.stringify(spec));
    const { logDirectory, metadata } = sandbox.config;
    const logPath = config.logPath === '' ? join(paths.directory, 'log') : join(logDirectory, config.logPath);
    mkdirSync(dirname(logPath), { recursive: true });
    return {
      id,
      sandboxId: sandbox.id,
      podUid: metadata.uid,
      config,
      imageId: image.id,
      imageRef: image.repoDigests[0] ?? image.id,
      layers,
      cgroup,
      logPath,
      stopSignal: signalName(config.stopSignal ?? run.StopSignal ?? ''),
      user: { uid: user.uid, gid: user.gid, supplementalGroups: user.supplementalGroups },
      ownsProcesses: pid.kind === 'own',
      createdAtMs: clock.nowMs(),
      state: 'created',
      reason: '',
      message: '',
    };
  }

  #processNamespace(sandbox: SandboxRecord, config: ContainerConfig): BundleInput['pid'] {
    const { pid: mode, targetId } = config.linux.securityContext.namespaceOptions;
    if (mode === 'container') {
      return { kind: 'own' };
    }
    if (mode === 'node') {
      return { kind: 'host' };
    }
    const pid = mode === 'pod' ? sandbox.pause?.pid : this.running(targetId ?? '').pid;
    return { kind: 'join', path: `/proc/${pid ?? 0}/ns/pid` };
  }

  async #startProcess(record: ContainerRecord): Promise<number> {
    const { conmon, lowRuntime, programs, paths, cgroups } = this.#host;
    const { id, config } = record;
    const places = this.paths(id);
    return await programs.run(async () => {
      const pid = await createUnderConmon({
        program: conmon,
        runtime: lowRuntime,
        containerId: id,
        bundle: places.directory,
        exitDirectory: paths.exits,
        logPath: record.logPath,
        terminal: config.tty === true,
        stdin: config.stdin === true,
        stdinOnce: config.stdinOnce === true,
      });
      cgroups.join(paths.monitorCgroup, Number(readFileSync(places.monitorPid, 'utf8')));
      await lowRuntime.start(id, places.directory);
      return pid;
    });
  }

  async #settleExit(exit: ContainerExit): Promise<void> {
    await this.#turns.run(exit.containerId, async () => {
      const record = this.#records.get(exit.containerId);
      if (record?.state !== 'running') {
        return;
      }
      if (!record.ownsProcesses) {
        await this.#killGroup(record);
      }
      const isOutOfMemory = existsSync(this.paths(record.id).outOfMemory);
      if (isOutOfMemory) {
        this.#publish('oom', record);
      }
      const word = exit.exitCode === 0 ? 'Completed' : 'Error';
      const reason = isOutOfMemory && exit.exitCode !== 0 ? 'OOMKilled' : word;
      this.#finish(record, { exitCode: exit.exitCode, reason, message: '' }, exit.atMs);
    });
  }

  #finish(
    record: ContainerRecord,
    end: { readonly exitCode: number; readonly reason: string; readonly message: string },
    finishedAtMs = this.#host.clock.nowMs(),
  ): void {
    const ended: ContainerRecord = { ...record, ...end, state: 'exited', finishedAtMs };
    this.#save(ended);
    this.#ended.get(record.id)?.resolve();
    this.#publish('stopped', ended);
  }

  async #kill(record: ContainerRecord): Promise<void> {
    if (this.#records.get(record.id)?.state !== 'running') {
      return;
    }
    this.#signal(record, 'SIGKILL');
    if ((await this.#waitForEnd(record.id, KILL_WAIT_MS)) === 'late') {
      await this.#killGroup(record);
      await this.#turns.run(record.id, async () => {
        const current = this.#records.get(record.id);
        if (current?.state === 'running') {
          this.#finish(current, { exitCode: EXIT_CODE_KILLED, reason: 'Error', message: '' });
        }
      });
    }
  }

  async #killGroup(record: ContainerRecord): Promise<void> {
    const { cgroups, clock } = this.#host;
    if (!(await cgroups.kill(record.cgroup, async () => await clock.sleep(KILL_ROUND_MS)))) {
      throw new RuntimeError('unavailable', `processes of container ${record.id} do not end`);
    }
  }

  /** What came first: the end, the time, or that nobody looks any more. */
  async #waitForEnd(id: string, timeoutMs: number): Promise<'ended' | 'late' | 'closed'> {
    const late = Promise.withResolvers<'late'>();
    const timer = this.#host.clock.schedule(timeoutMs, () => late.resolve('late'));
    const ended = this.#ended.get(id)?.promise.then(() => 'ended' as const);
    const first = await Promise.race([ended ?? ('ended' as const), late.promise, this.#closed.promise]);
    timer.cancel();
    return first;
  }

  /** Signals the first process; false when it is gone. */
  #signal(record: ContainerRecord, signal: string): boolean {
    return this.#isAlive(record) && sendSignal(record.pid ?? 0, signalNumber(signal));
  }

  /** A process id alone says nothing: it may have been given to another since. */
  #isAlive({ pid, cgroup }: ContainerRecord): boolean {
    return pid !== undefined && this.#host.cgroups.processes(cgroup).includes(pid);
  }

  #rewriteResources(id: string, resources: LinuxContainerResources): void {
    const { spec: path } = this.paths(id);
    // Written by ourselves in `create`.
    const spec = JSON.parse(readFileSync(path, 'utf8')) as ReturnType<typeof buildSpec>;
    const merged = { ...spec.linux.resources, ...ociResources(resources) };
    writeFileSync(path, JSON.stringify({ ...spec, linux: { ...spec.linux, resources: merged } }));
  }

  async #release(id: string): Promise<void> {
    const { lowRuntime, libc, programs } = this.#host;
    await programs.run(async () => await lowRuntime.delete(id));
    this.#exits.forget(id);
    for (const mount of mountsBelow(this.paths(id).directory)) {
      libc.unmount(mount);
    }
  }

  #track(record: ContainerRecord): void {
    this.#records.set(record.id, record);
    const ended = Promise.withResolvers<void>();
    if (record.state === 'exited') {
      ended.resolve();
    }
    this.#ended.set(record.id, ended);
  }

  #save(record: ContainerRecord): void {
    this.#store.save(record.id, record);
    this.#records.set(record.id, record);
  }

  #publish(type: ContainerChange['type'], { id, sandboxId, podUid }: ContainerRecord): void {
    const atMs = this.#host.clock.nowMs();
    this.#host.events.publish({ type, containerId: id, podSandboxId: sandboxId, podUid, atMs });
  }
}

/** Bind mounts need a source that exists; links on the host are the host's to follow. */
function resolveMount(mount: Mount): Mount {
  if (!existsSync(mount.hostPath)) {
    mkdirSync(mount.hostPath, { recursive: true });
  }
  return { ...mount, hostPath: realpathSync(mount.hostPath) };
}
