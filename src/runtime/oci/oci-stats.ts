import { readFileSync } from 'node:fs';
import type {
  ContainerStats,
  CpuUsage,
  FilesystemUsage,
  MemoryUsage,
  NetworkInterfaceUsage,
  PodSandboxStats,
} from '../cri-stats.ts';
import { readCpuNanoSeconds, readMemory } from './cgroup-stats.ts';
import type { ContainerRecord } from './container-record.ts';
import { diskUsage } from './disk-usage.ts';
import type { OciHost } from './oci-host.ts';
import type { PodContainers } from './pod-containers.ts';
import type { PodSandboxes, SandboxRecord } from './pod-sandboxes.ts';

/** How long a measured writable layer stays good: walking it costs a system call a file. */
const DISK_USAGE_AGE_MS = 30_000;

interface CpuSample {
  readonly atMs: number;
  readonly nanoSeconds: number;
}

/** Reads what containers and pods use, from cgroup files, the network namespace and the disk. */
export class OciStats {
  readonly #host: OciHost;
  readonly #sandboxes: PodSandboxes;
  readonly #containers: PodContainers;
  /** The measurement before, by cgroup. */
  readonly #cpu = new Map<string, CpuSample>();
  readonly #disk = new Map<string, FilesystemUsage>();

  constructor(host: OciHost, sandboxes: PodSandboxes, containers: PodContainers) {
    this.#host = host;
    this.#sandboxes = sandboxes;
    this.#containers = containers;
    // What ended must not be remembered for ever.
    this.#forgetEnded();
  }

  async container(record: ContainerRecord): Promise<ContainerStats> {
    const { id, config } = record;
    const { metadata, labels, annotations } = config;
    const usage = record.state === 'running' ? this.#usage(record.cgroup) : {};
    return {
      attributes: { id, metadata, labels, annotations },
      ...usage,
      writableLayer: await this.#writableLayer(id),
    };
  }

  async sandbox(record: SandboxRecord): Promise<PodSandboxStats> {
    const { id, config } = record;
    const { metadata, labels, annotations } = config;
    const own = this.#containers.list().filter(({ sandboxId }) => sandboxId === id);
    const cgroup = this.#sandboxes.cgroup(record);
    const timestampMs = this.#host.clock.nowMs();
    const network = record.state === 'ready' ? this.#network(record, timestampMs) : undefined;
    const containers = await Promise.all(own.map(async (container) => await this.container(container)));
    return {
      attributes: { id, metadata, labels, annotations },
      ...(record.state === 'ready' ? this.#usage(cgroup) : {}),
      ...(network === undefined ? {} : { network }),
      process: { timestampMs, processCount: this.#host.cgroups.processes(cgroup).length },
      containers,
    };
  }

  #usage(cgroup: string): { readonly cpu?: CpuUsage; readonly memory?: MemoryUsage } {
    const { cgroups, clock } = this.#host;
    const timestampMs = clock.nowMs();
    const nanoSeconds = readCpuNanoSeconds(cgroups, cgroup);
    const memory = readMemory(cgroups, cgroup);
    return {
      ...(nanoSeconds === undefined ? {} : { cpu: this.#cpuUsage(cgroup, nanoSeconds, timestampMs) }),
      ...(memory === undefined ? {} : { memory: { timestampMs, ...memory } }),
    };
  }

  #cpuUsage(cgroup: string, nanoSeconds: number, timestampMs: number): CpuUsage {
    const atMs = this.#host.clock.monotonicMs();
    const before = this.#cpu.get(cgroup);
    this.#cpu.set(cgroup, { atMs, nanoSeconds });
    const usage = { timestampMs, usageCoreNanoSeconds: nanoSeconds };
    if (before === undefined || atMs <= before.atMs) {
      return usage;
    }
    const perMs = (nanoSeconds - before.nanoSeconds) / (atMs - before.atMs);
    return { ...usage, usageNanoCores: Math.max(0, Math.round(perMs * 1000)) };
  }

  async #writableLayer(id: string): Promise<FilesystemUsage> {
    const known = this.#disk.get(id);
    const timestampMs = this.#host.clock.nowMs();
    if (known !== undefined && timestampMs - known.timestampMs < DISK_USAGE_AGE_MS) {
      return known;
    }
    const { bytes, inodes } = await diskUsage(this.#containers.paths(id).upper);
    const fsId = { mountpoint: this.#host.paths.containers };
    const usage = { timestampMs, fsId, usedBytes: bytes, inodesUsed: inodes };
    if (this.#containers.find(id) !== undefined) {
      this.#disk.set(id, usage);
    }
    return usage;
  }

  #network(record: SandboxRecord, timestampMs: number): NonNullable<PodSandboxStats['network']> | undefined {
    const pin = this.#sandboxes.namespaces(record).net;
    if (pin === undefined) {
      return undefined;
    }
    const text = this.#host.libc.inNetworkNamespace(pin, () =>
      readFileSync('/proc/thread-self/net/dev', 'utf8'),
    );
    const interfaces = parseNetDev(text).filter(({ name }) => name !== 'lo');
    const [defaultInterface] = interfaces;
    return defaultInterface === undefined ? undefined : { timestampMs, defaultInterface, interfaces };
  }

  #forgetEnded(): void {
    this.#host.events.listen((change) => {
      if (change.type === 'deleted') {
        this.#disk.delete(change.containerId);
        for (const path of this.#cpu.keys()) {
          if (path.endsWith(`/${change.containerId}`)) {
            this.#cpu.delete(path);
          }
        }
      }
    });
  }
}

/** The counters of each interface, from the text of `/proc/net/dev`. */
export function parseNetDev(text: string): NetworkInterfaceUsage[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', counters] = line.split(':');
    if (counters === undefined) {
      return [];
    }
    const values = counters.trim().split(/\s+/).map(Number);
    return [
      {
        name: name.trim(),
        rxBytes: values[0] ?? 0,
        rxErrors: values[2] ?? 0,
        txBytes: values[8] ?? 0,
        txErrors: values[10] ?? 0,
      },
    ];
  });
}
