import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Pod } from '#api/types/core.v1.ts';

/** Where the kubelet keeps what belongs to a pod, laid out as upstream does. */
export class PodPaths {
  readonly #dataDir: string;
  readonly #logsDir: string;

  /**
   * @param dataDir usually `/var/lib/kubelet`
   * @param logsDir usually `/var/log/pods`
   */
  constructor(dataDir: string, logsDir: string) {
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
    for (const name of await readdir(directory).catch(() => [])) {
      if (name.startsWith(basename(logPath))) {
        await rm(join(directory, name), { force: true });
      }
    }
  }

  /** Deletes a pod's own directory and its logs; its volumes must be unmounted. */
  async removePod(pod: Pod): Promise<void> {
    await rm(this.podDirectory(pod.metadata.uid), { recursive: true, force: true });
    await rm(this.logDirectory(pod), { recursive: true, force: true });
  }
}

/** Relative to the pod's log directory. */
export function containerLogPath(container: string, restartCount: number): string {
  return `${container}/${restartCount}.log`;
}
