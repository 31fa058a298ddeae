import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';

/** What a machine is, read once. */
export interface NodeFacts {
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** Of the file system that holds the pods' writable parts. */
  readonly storageBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly operatingSystem: string;
  /** As Go names it: `amd64`, `arm64`. */
  readonly architecture: string;
}

const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** Reads the machine's own facts. What a machine does not tell is left empty. */
export async function readNodeFacts(dataDir: string): Promise<NodeFacts> {
  const [machineId, systemUuid, bootId, osRelease, memory, storage] = await Promise.all([
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/os-release'),
    text('/proc/meminfo'),
    statfs(dataDir),
  ]);
  return {
    cpuCount: cpus().length,
    memoryBytes: kilobytesOf(memory, 'MemTotal') ?? totalmem(),
    swapBytes: kilobytesOf(memory, 'SwapTotal') ?? 0,
    storageBytes: storage.blocks * storage.bsize,
    machineId,
    systemUuid: systemUuid === '' ? machineId : systemUuid,
    bootId,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? '',
    operatingSystem: 'linux',
    architecture: GO_ARCHITECTURES[arch()] ?? arch(),
  };
}

function kilobytesOf(memory: string, name: string): number | undefined {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(memory)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}
