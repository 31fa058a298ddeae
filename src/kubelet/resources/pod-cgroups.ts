import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, type Logger } from '#base/log.ts';
import type { LinuxContainerResources } from '#runtime/cri.ts';

/** The cgroups of pods, parents of their containers' own. */
export interface PodCgroups {
  /** Makes the pod's cgroup (and its class's) in every hierarchy, or changes its limits. */
  ensure(path: string, resources: LinuxContainerResources): Promise<void>;
  /** Removes it with all that is empty below. Succeeds when there is none. */
  remove(path: string): Promise<void>;
  /** Removes the cgroups of the classes when no pod of any cluster is left in them. */
  tidy(): Promise<void>;
}

/** For nodes whose containers are not processes of this machine. */
export const NO_CGROUPS: PodCgroups = {
  ensure: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  tidy: () => Promise.resolve(),
};

/** One mounted hierarchy. */
interface Hierarchy {
  readonly root: string;
  readonly controllers: readonly string[];
  readonly isUnified: boolean;
}

/** Writes the kernel's cgroup files: version 1, version 2, or the mix of both. */
export class HostPodCgroups implements PodCgroups {
  readonly #log: Logger;
  readonly #mountInfoPath: string;
  #hierarchies: Promise<readonly Hierarchy[]> | undefined;

  constructor(log: Logger, mountInfoPath = '/proc/self/mountinfo') {
    this.#log = log;
    this.#mountInfoPath = mountInfoPath;
  }

  async ensure(path: string, resources: LinuxContainerResources): Promise<void> {
    for (const hierarchy of await this.#found()) {
      const directory = join(hierarchy.root, path);
      await mkdir(directory, { recursive: true });
      if (hierarchy.isUnified) {
        await this.#delegate(hierarchy.root, path);
      }
      for (const [file, value] of filesFor(hierarchy, resources)) {
        await this.#write(join(directory, file), value);
      }
    }
  }

  async remove(path: string): Promise<void> {
    for (const { root } of await this.#found()) {
      await this.#removeTree(join(root, path));
    }
  }

  async tidy(): Promise<void> {
    for (const { root } of await this.#found()) {
      for (const path of ['kubepods/burstable', 'kubepods/besteffort', 'kubepods']) {
        await this.#removeOne(join(root, path));
      }
    }
  }

  #found(): Promise<readonly Hierarchy[]> {
    this.#hierarchies ??= readHierarchies(this.#mountInfoPath);
    return this.#hierarchies;
  }

  /** In version 2 a child has only the controllers that each of its parents hands on. */
  async #delegate(root: string, path: string): Promise<void> {
    const controllers = (await readFile(join(root, 'cgroup.controllers'), 'utf8')).trim();
    if (controllers === '') {
      return;
    }
    const wanted = controllers
      .split(' ')
      .map((name) => `+${name}`)
      .join(' ');
    let directory = root;
    for (const part of ['', ...path.split('/').filter(Boolean)]) {
      directory = join(directory, part);
      await this.#write(join(directory, 'cgroup.subtree_control'), wanted);
    }
  }

  /** A limit that cannot be set must not keep the pod from running; the containers have their own. */
  async #write(file: string, value: string): Promise<void> {
    try {
      await writeFile(file, value);
    } catch (error) {
      this.#log.debug('cgroup file not written', { file, value, error: describeError(error) });
    }
  }

  async #removeTree(directory: string): Promise<void> {
    let children;
    try {
      children = await readdir(directory, { withFileTypes: true });
    } catch (error) {
      this.#log.debug('no cgroup to remove', { directory, error: describeError(error) });
      return;
    }
    for (const child of children) {
      if (child.isDirectory()) {
        await this.#removeTree(join(directory, child.name));
      }
    }
    await this.#removeOne(directory);
  }

  async #removeOne(directory: string): Promise<void> {
    try {
      await rmdir(directory);
    } catch (error) {
      // A process that is just ending still holds it; it stays until the node is cleaned up.
      this.#log.debug('cgroup not removed', { directory, error: describeError(error) });
    }
  }
}

async function readHierarchies(mountInfoPath: string): Promise<readonly Hierarchy[]> {
  const found = new Map<string, Hierarchy>();
  for (const line of (await readFile(mountInfoPath, 'utf8')).split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const root = left.split(' ')[4] ?? '';
    const [type, , options = ''] = right.split(' ');
    const controllers = options.split(',').filter((option) => V1_CONTROLLERS.has(option));
    if (type === 'cgroup2' && ![...found.values()].some(({ isUnified }) => isUnified)) {
      found.set(root, { root, controllers: [], isUnified: true });
    } else if (type === 'cgroup' && controllers.length > 0) {
      const isKnown = [...found.values()].some((other) => other.controllers[0] === controllers[0]);
      if (!isKnown) {
        found.set(root, { root, controllers, isUnified: false });
      }
    }
  }
  return [...found.values()];
}

const V1_CONTROLLERS: ReadonlySet<string> = new Set([
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'devices',
  'freezer',
  'blkio',
  'pids',
  'hugetlb',
]);

function filesFor(
  { isUnified, controllers }: Hierarchy,
  { cpuShares, cpuQuota, cpuPeriod, memoryLimitInBytes }: LinuxContainerResources,
): readonly (readonly [string, string])[] {
  const files: (readonly [string, string])[] = [];
  if (isUnified) {
    if (cpuShares !== undefined) {
      files.push(['cpu.weight', String(weightOfShares(cpuShares))]);
    }
    files.push(['cpu.max', cpuQuota === undefined ? 'max' : `${cpuQuota} ${cpuPeriod ?? 100_000}`]);
    files.push(['memory.max', memoryLimitInBytes === undefined ? 'max' : String(memoryLimitInBytes)]);
    return files;
  }
  if (controllers.includes('cpu')) {
    if (cpuShares !== undefined) {
      files.push(['cpu.shares', String(cpuShares)]);
    }
    if (cpuQuota !== undefined) {
      files.push(['cpu.cfs_period_us', String(cpuPeriod ?? 100_000)], ['cpu.cfs_quota_us', String(cpuQuota)]);
    }
  }
  if (controllers.includes('memory') && memoryLimitInBytes !== undefined) {
    files.push(['memory.limit_in_bytes', String(memoryLimitInBytes)]);
  }
  return files;
}

/** Maps the range of version 1 (2 to 262,144) onto that of version 2 (1 to 10,000). */
export function weightOfShares(shares: number): number {
  return shares === 0 ? 0 : 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}
