import { basename, dirname, join } from 'node:path';
import { SYSTEM_DISK, type Disk } from '#base/disk.ts';
import type { Pod } from '#api/types/core.v1.ts';

/** Where the kubelet keeps what belongs to a pod, laid out as upstream does. */
export class PodPaths {
  /** On which all of it lies. */
  readonly disk: Disk;
  readonly #dataDir: string;
  readonly #logsDir: string;

  /**
   * @param dataDir usually `/var/lib/kubelet`
   * @param logsDir usually `/var/log/pods`
   */
  constructor(dataDir: string, logsDir: string, disk: Disk = SYSTEM_DISK) {
    this.disk = disk;
    this.#dataDir = dataDir;
    this.#logsDir = logsDir;
  }

  get podsDirectory(): string {
    return join(this.#dataDir, 'pods');
  }

  podDirectory(uid: string): string {
    return join(this.#dataDir, 'pods', uid);
  }

  /** @param plugin as `configmap`, `empty-dir`, `projected` */
  volume(uid: string, plugin: string, name: string): string {
    return join(this.podDirectory(uid), 'volumes', `kubernetes.io~${plugin}`, name);
  }

  hostsFile(uid: string): string {
    return join(this.podDirectory(uid), 'etc-hosts');
  }

  terminationLog(uid: string, container: string, restartCount: number): string {
    return join(this.podDirectory(uid), 'containers', container, String(restartCount));
  }

  logDirectory({ metadata }: Pod): string {
    return join(this.#logsDir, `${metadata.namespace}_${metadata.name}_${metadata.uid}`);
  }

  get logsDirectory(): string {
    return this.#logsDir;
  }

  /** Deletes a container's log and its rotated parts. */
  async removeLogs(logPath: string): Promise<void> {
    if (logPath === '') {
      return;
    }
    const directory = dirname(logPath);
    for (const name of await this.disk.readdir(directory).catch(() => [])) {
      if (name.startsWith(basename(logPath))) {
        await this.disk.rm(join(directory, name), { force: true });
      }
    }
  }

  /** Deletes a pod's own directory and its logs; its volumes must be unmounted. */
  async removePod(pod: Pod): Promise<void> {
    await this.disk.rm(this.podDirectory(pod.metadata.uid), { recursive: true, force: true });
    await this.disk.rm(this.logDirectory(pod), { recursive: true, force: true });
  }
}

/** Relative to the pod's log directory. */
export function containerLogPath(container: string, restartCount: number): string {
  return `${container}/${restartCount}.log`;
}
