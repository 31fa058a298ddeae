import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '#base/assert.ts';
import type { Logger } from '#base/log.ts';
import type { LinuxContainerResources } from '../cri.ts';
import { sendSignal, signalNumber } from './signals.ts';
import { isMissing, systemCode } from './system-code.ts';

/** Mount points of the cgroup hierarchies of this host. */
export interface CgroupLayout {
  /** `hybrid`: version 1 controllers beside a version 2 tree that has few or none. */
  readonly kind: 'v1' | 'v2' | 'hybrid';
  /** Version 1 controller → mount point; `name=systemd` too. */
  readonly v1: ReadonlyMap<string, string>;
  /** Where version 2 is mounted. */
  readonly v2: string | undefined;
  /** What the version 2 root offers. */
  readonly v2Controllers: readonly string[];
}

/** Reads the layout from the text of `/proc/self/mounts`. */
export function parseCgroupMounts(mounts: string): { v1: Map<string, string>; v2: string | undefined } {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of mounts.split('\n')) {
    const [, target = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup2') {
      v2 ??= target;
    } else if (type === 'cgroup') {
      for (const option of options.split(',')) {
        if (V1_CONTROLLERS.has(option) || option.startsWith('name=')) {
          v1.set(option, v1.get(option) ?? target);
        }
      }
    }
  }
  return { v1, v2 };
}

const V1_CONTROLLERS = new Set([
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'devices',
  'freezer',
  'blkio',
  'pids',
  'hugetlb',
  'net_cls',
  'net_prio',
  'perf_event',
  'rdma',
  'misc',
]);

/** The controllers that limits and statistics need, as version 2 names them. */
const CONTROLLERS_WANTED = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb'];
/** Rounds of SIGKILL before a cgroup whose processes do not go is given up. */
const KILL_ROUNDS_MAX = 100;

/** Groups of processes in every hierarchy of the host, by one path each. */
export class Cgroups {
  readonly layout: CgroupLayout;
  readonly #log: Logger;

  constructor(layout: CgroupLayout, log: Logger) {
    this.layout = layout;
    this.#log = log;
  }

  static detect(log: Logger): Cgroups {
    const { v1, v2 } = parseCgroupMounts(readFileSync('/proc/self/mounts', 'utf8'));
    const v2Controllers = v2 === undefined ? [] : words(readFileSync(join(v2, 'cgroup.controllers'), 'utf8'));
    const kind = v2 === undefined ? 'v1' : v1.size === 0 ? 'v2' : 'hybrid';
    return new Cgroups({ kind, v1, v2, v2Controllers }, log);
  }

  /** Directories of `path` in all hierarchies, whether they exist or not. */
  directories(path: string): string[] {
    const roots = new Set(this.layout.v1.values());
    if (this.layout.v2 !== undefined) {
      roots.add(this.layout.v2);
    }
    return [...roots].map((root) => join(root, path));
  }

  /** The directory in which `controller` (its version 1 name) keeps its files for `path`. */
  directory(controller: string, path: string): string | undefined {
    const root = this.layout.v1.get(controller) ?? (this.layout.kind === 'v2' ? this.layout.v2 : undefined);
    return root === undefined ? undefined : join(root, path);
  }

  /** Makes the group and its parents, with all wanted controllers on, and sets its limits. Safe to repeat. */
  create(path: string, resources: LinuxContainerResources = {}): void {
    const parts = path.split('/').filter((part) => part !== '');
    for (const root of this.directories('/')) {
      let directory = root;
      for (const part of parts) {
        this.#delegate(directory);
        directory = join(directory, part);
        mkdirSync(directory, { recursive: true });
        this.#inheritCpuset(directory);
      }
    }
    this.update(path, resources);
  }

  update(path: string, resources: LinuxContainerResources): void {
    const files = this.layout.kind === 'v2' ? limitFilesV2(resources) : limitFilesV1(resources);
    for (const { controller, file, value } of files) {
      const directory = this.directory(controller, path);
      if (directory !== undefined) {
        this.#write(join(directory, file), value);
      }
    }
  }

  /** Moves a process, with all its threads. */
  join(path: string, pid: number): void {
    for (const directory of this.directories(path)) {
      this.#write(join(directory, 'cgroup.procs'), String(pid));
    }
  }

  /** Processes of the group and of those below it. */
  processes(path: string): number[] {
    const pids = new Set<number>();
    for (const root of this.directories(path)) {
      for (const directory of treeLeafFirst(root)) {
        for (const pid of words(readIfThere(join(directory, 'cgroup.procs')))) {
          pids.add(Number(pid));
        }
      }
    }
    return [...pids];
  }

  /**
   * Sends SIGKILL to everything in the group and below until nothing is left.
   *
   * @param pause waits a little between two rounds
   * @returns false when something survived
   */
  async kill(path: string, pause: () => Promise<void>): Promise<boolean> {
    for (let round = 0; round < KILL_ROUNDS_MAX; round++) {
      const pids = this.processes(path).filter((pid) => pid > 0 && pid !== process.pid);
      if (pids.length === 0) {
        return true;
      }
      for (const pid of pids) {
        sendSignal(pid, signalNumber('SIGKILL'));
      }
      await pause();
    }
    return false;
  }

  /** Removes the group and those below, leaf first. False when something still runs there. */
  remove(path: string): boolean {
    assert(/^\/[^/.]/.test(path), 'the root cgroup is not ours');
    let isGone = true;
    for (const root of this.directories(path)) {
      for (const directory of treeLeafFirst(root)) {
        isGone = removeDirectory(directory) && isGone;
      }
    }
    return isGone;
  }

  /** On a hybrid host the limits are version 1's, and the host's version 2 tree is left as it is. */
  #delegate(directory: string): void {
    const file = join(directory, 'cgroup.subtree_control');
    if (this.layout.kind === 'v2' && existsSync(file)) {
      const offered = new Set(words(readIfThere(join(directory, 'cgroup.controllers'))));
      const enabled = new Set(words(readIfThere(file)));
      for (const controller of CONTROLLERS_WANTED) {
        if (offered.has(controller) && !enabled.has(controller)) {
          this.#write(file, `+${controller}`);
        }
      }
    }
  }

  /** A new version 1 cpuset is empty, and nothing can run in an empty one. */
  #inheritCpuset(directory: string): void {
    if (directory.startsWith(`${this.layout.v1.get('cpuset') ?? '\0'}/`)) {
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        if (readIfThere(join(directory, file)).trim() === '') {
          this.#write(join(directory, file), readIfThere(join(directory, '..', file)).trim());
        }
      }
    }
  }

  #write(file: string, value: string): void {
    try {
      writeFileSync(file, value);
    } catch (error) {
      // Which files exist depends on the kernel (swap accounting, hugetlb sizes); what is not there is not limited.
      this.#log.debug('cgroup file not written', { file, value, error });
    }
  }
}

interface LimitFile {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

/** The files and values of version 1 for these limits. */
export function limitFilesV1(resources: LinuxContainerResources): LimitFile[] {
  const { cpuShares, cpuPeriod, cpuQuota, memoryLimitInBytes, cpusetCpus, cpusetMems } = resources;
  const files: (LimitFile | false)[] = [
    cpuShares !== undefined && { controller: 'cpu', file: 'cpu.shares', value: String(cpuShares) },
    cpuPeriod !== undefined && { controller: 'cpu', file: 'cpu.cfs_period_us', value: String(cpuPeriod) },
    cpuQuota !== undefined && { controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(cpuQuota) },
    memoryLimitInBytes !== undefined && {
      controller: 'memory',
      file: 'memory.limit_in_bytes',
      value: String(memoryLimitInBytes),
    },
    cpusetCpus !== undefined && { controller: 'cpuset', file: 'cpuset.cpus', value: cpusetCpus },
    cpusetMems !== undefined && { controller: 'cpuset', file: 'cpuset.mems', value: cpusetMems },
  ];
  return files.filter((file) => file !== false);
}

/** The files and values of version 2 for these limits. */
export function limitFilesV2(resources: LinuxContainerResources): LimitFile[] {
  const { cpuShares, cpuPeriod = 100_000, cpuQuota, memoryLimitInBytes, cpusetCpus, cpusetMems } = resources;
  const cpuMax = cpuQuota === undefined || cpuQuota <= 0 ? 'max' : String(cpuQuota);
  const files: (LimitFile | false)[] = [
    cpuShares !== undefined && {
      controller: 'cpu',
      file: 'cpu.weight',
      value: String(cpuWeight(cpuShares)),
    },
    cpuQuota !== undefined && { controller: 'cpu', file: 'cpu.max', value: `${cpuMax} ${cpuPeriod}` },
    memoryLimitInBytes !== undefined && {
      controller: 'memory',
      file: 'memory.max',
      value: memoryLimitInBytes < 0 ? 'max' : String(memoryLimitInBytes),
    },
    cpusetCpus !== undefined && { controller: 'cpuset', file: 'cpuset.cpus', value: cpusetCpus },
    cpusetMems !== undefined && { controller: 'cpuset', file: 'cpuset.mems', value: cpusetMems },
  ];
  const unified = Object.entries(resources.unified ?? {}).map(([file, value]) => ({
    controller: 'unified',
    file,
    value,
  }));
  return [...files.filter((file) => file !== false), ...unified];
}

/** Version 1 shares (2 to 262,144) as a version 2 weight (1 to 10,000), by the usual linear mapping. */
export function cpuWeight(shares: number): number {
  return shares === 0 ? 0 : Math.trunc(1 + ((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

function removeDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return isMissing(error);
  }
}

function treeLeafFirst(root: string): string[] {
  const directories: string[] = [];
  const visit = (directory: string): void => {
    for (const name of subdirectories(directory)) {
      visit(join(directory, name));
    }
    directories.push(directory);
  };
  visit(root);
  return directories;
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if (isMissing(error)) {
      return [];
    }
    throw error;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error) || systemCode(error) === 'EOPNOTSUPP') {
      return '';
    }
    throw error;
  }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
