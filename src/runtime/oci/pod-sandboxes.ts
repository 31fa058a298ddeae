import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname as hostHostname } from 'node:os';
import { join } from 'node:path';
import {
  RuntimeError,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxState,
  type PodSandboxStatus,
} from '../cri.ts';
import type { NamespaceKind } from './libc.ts';
import { mountsBelow } from './mount-table.ts';
import { Netlink } from './netlink.ts';
import type { OciHost } from './oci-host.ts';
import { startPause, type PauseProcess } from './pause-process.ts';
import type { NetworkedSandbox } from './pod-network.ts';
import { RecordStore } from './record-store.ts';
import { writeSandboxFiles } from './sandbox-files.ts';

/** A sandbox as it is written down. */
export interface SandboxRecord {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdAtMs: number;
  readonly state: PodSandboxState;
  readonly ips: readonly string[];
  readonly hostname: string;
  /** Keeps the pod's process namespace when its containers share one. */
  readonly pause?: PauseProcess;
}

/** The namespaces, network, files and cgroups of pods. Their containers are another's business. */
export class PodSandboxes {
  readonly #host: OciHost;
  readonly #store: RecordStore<SandboxRecord>;
  readonly #records = new Map<string, SandboxRecord>();

  constructor(host: OciHost) {
    this.#host = host;
    this.#store = new RecordStore(host.paths.sandboxes);
  }

  /** Takes over what an earlier run left: whole sandboxes stay, others are cleared away. */
  async adopt(): Promise<void> {
    const { paths, network, log } = this.#host;
    const { records, remains } = this.#store.load();
    const mounted = new Set(mountsBelow(paths.runDir));
    for (const [id, record] of records) {
      const pins = this.#pins(record);
      const isAlive = Object.values(pins).every((pin) => mounted.has(pin));
      this.#records.set(id, record);
      if (record.state === 'ready' && isAlive) {
        network.adopt(networked(record), record.ips);
      } else if (record.state === 'ready') {
        // The host was started anew, or the crash came while it was being stopped.
        await this.#release(id);
        this.#save({ ...record, state: 'notready' });
      }
    }
    for (const id of remains) {
      log.info('clearing away an unfinished sandbox', { sandbox: id });
      await this.#release(id);
      await this.#store.delete(id);
    }
  }

  /** Makes the cgroups of the ready sandboxes, where they are missing. */
  createCgroups(): void {
    for (const record of this.#records.values()) {
      if (record.state === 'ready') {
        this.#host.cgroups.create(this.cgroup(record), record.config.linux.resources);
      }
    }
  }

  async run(config: PodSandboxConfig): Promise<string> {
    const { uid, attempt } = config.metadata;
    for (const { config: other } of this.#records.values()) {
      if (other.metadata.uid === uid && other.metadata.attempt === attempt) {
        throw new RuntimeError('already-exists', `sandbox attempt ${attempt} of pod ${uid} is already there`);
      }
    }
    const id = this.#host.random.bytes(32).toHex();
    try {
      const record = await this.#create(id, config);
      this.#save(record);
      return id;
    } catch (error) {
      await this.#release(id);
      await this.#store.delete(id);
      throw error;
    }
  }

  /** The containers must have been stopped. */
  async stop(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined || record.state === 'notready') {
      return;
    }
    await this.#release(id);
    this.#save({ ...record, state: 'notready' });
    this.#host.events.publish({
      type: 'sandbox-stopped',
      containerId: '',
      podSandboxId: id,
      podUid: record.config.metadata.uid,
      atMs: this.#host.clock.nowMs(),
    });
  }

  /** The containers must have been removed. */
  async remove(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined) {
      return;
    }
    await this.stop(id);
    this.#records.delete(id);
    const { cgroupParent } = record.config.linux;
    const isShared = [...this.#records.values()].some(
      ({ config }) => config.linux.cgroupParent === cgroupParent,
    );
    if (!isShared) {
      this.#host.cgroups.remove(this.cgroup(record));
    }
    await this.#store.delete(id);
  }

  find(id: string): SandboxRecord | undefined {
    return this.#records.get(id);
  }

  /** @throws {RuntimeError} `not-found` */
  get(id: string): SandboxRecord {
    const record = this.#records.get(id);
    if (record === undefined) {
      throw new RuntimeError('not-found', `sandbox ${id} not found`);
    }
    return record;
  }

  list(): readonly SandboxRecord[] {
    return [...this.#records.values()];
  }

  status(id: string): PodSandboxStatus {
    const record = this.get(id);
    return {
      ...sandboxSummary(record),
      network: { ips: record.state === 'ready' ? record.ips : [] },
      linux: { namespaces: record.config.linux.securityContext.namespaceOptions },
    };
  }

  /** The pod's cgroup, below the root of this instance. */
  cgroup({ config }: SandboxRecord): string {
    return join(this.#host.paths.cgroup, config.linux.cgroupParent);
  }

  /** The files that pin the namespaces this sandbox does not share with the host. */
  namespaces(record: SandboxRecord): Partial<Record<NamespaceKind, string>> {
    return this.#pins(record);
  }

  async #create(id: string, config: PodSandboxConfig): Promise<SandboxRecord> {
    const { paths, libc, cgroups, network, clock } = this.#host;
    const isHostNetwork = config.linux.securityContext.namespaceOptions.network === 'node';
    const hostname = config.hostname === '' ? hostHostname() : config.hostname;
    const record: SandboxRecord = {
      id,
      config,
      createdAtMs: clock.nowMs(),
      state: 'ready',
      ips: [],
      hostname,
    };
    mkdirSync(paths.sandbox(id), { recursive: true, mode: 0o711 });
    if (config.logDirectory !== '') {
      mkdirSync(config.logDirectory, { recursive: true });
    }
    cgroups.create(this.cgroup(record), config.linux.resources);
    const pins = this.#createNamespaces(record);
    writeSandboxFiles(libc, paths.sandbox(id), hostname, config);
    const ips =
      isHostNetwork || pins.net === undefined ? [] : await network.attach(networked(record), pins.net);
    const pause = await this.#startPause(record, pins);
    return { ...record, ips, ...(pause === undefined ? {} : { pause }) };
  }

  #createNamespaces(record: SandboxRecord): Partial<Record<NamespaceKind, string>> {
    const { paths, libc } = this.#host;
    const pins = this.#pins(record);
    if (Object.keys(pins).length === 0) {
      return pins;
    }
    mkdirSync(paths.namespaces(record.id), { recursive: true });
    for (const pin of Object.values(pins)) {
      writeFileSync(pin, '');
    }
    libc.createNamespaces(pins, () => {
      if (pins.uts !== undefined) {
        libc.setHostname(record.hostname);
      }
      if (pins.net !== undefined) {
        using links = new Netlink(libc);
        links.setUp('lo');
      }
      for (const [name, value] of Object.entries(record.config.linux.sysctls ?? {})) {
        writeSysctl(name, value);
      }
    });
    return pins;
  }

  async #startPause(
    record: SandboxRecord,
    pins: Partial<Record<NamespaceKind, string>>,
  ): Promise<PauseProcess | undefined> {
    if (record.config.linux.securityContext.namespaceOptions.pid !== 'pod') {
      return undefined;
    }
    return await startPause(this.#host, {
      sandboxId: record.id,
      namespaces: pins,
      cgroup: join(this.cgroup(record), `pause-${record.id}`),
    });
  }

  #pins({ id, config }: SandboxRecord): Partial<Record<NamespaceKind, string>> {
    const { network, ipc } = config.linux.securityContext.namespaceOptions;
    const directory = this.#host.paths.namespaces(id);
    return {
      ...(network === 'node' ? {} : { net: join(directory, 'net'), uts: join(directory, 'uts') }),
      ...(ipc === 'node' ? {} : { ipc: join(directory, 'ipc') }),
    };
  }

  #save(record: SandboxRecord): void {
    this.#store.save(record.id, record);
    this.#records.set(record.id, record);
  }

  /** Gives back everything a sandbox holds in the kernel, however far it got. */
  async #release(id: string): Promise<void> {
    const { paths, libc, network, lowRuntime } = this.#host;
    await lowRuntime.delete(`pause-${id}`);
    await network.detach(id);
    const directories = [paths.namespaces(id), paths.sandbox(id)];
    for (const mount of directories.flatMap((directory) => mountsBelow(directory))) {
      libc.unmount(mount);
    }
    if (existsSync(paths.namespaces(id))) {
      rmSync(paths.namespaces(id), { recursive: true });
    }
  }
}

export function sandboxSummary({ id, config, state, createdAtMs }: SandboxRecord): PodSandbox {
  const { metadata, labels, annotations } = config;
  return { id, metadata, state, createdAtMs, labels, annotations, runtimeHandler: '' };
}

function networked({ id, config }: SandboxRecord): NetworkedSandbox {
  return { id, portMappings: config.portMappings ?? [] };
}

function writeSysctl(name: string, value: string): void {
  const path = join('/proc/sys', name.replaceAll('.', '/'));
  if (!/^[\w.-]+$/.test(name) || name.includes('..')) {
    throw new RuntimeError('invalid-argument', `"${name}" is no name of a sysctl`);
  }
  try {
    writeFileSync(path, value);
  } catch (error) {
    throw new RuntimeError('invalid-argument', `cannot set sysctl ${name} to ${value}`, { cause: error });
  }
}
