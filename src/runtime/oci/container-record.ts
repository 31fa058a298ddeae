import type { Container, ContainerConfig, ContainerState, ContainerStatus } from '../cri.ts';
import { join } from 'node:path';

/** A container as it is written down: all that a later run needs to go on with it. */
export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  readonly config: ContainerConfig;
  readonly imageId: string;
  readonly imageRef: string;
  /** Digests of the layers below the writable one, lowest first. */
  readonly layers: readonly string[];
  /** Path of its cgroup from the root of each hierarchy. */
  readonly cgroup: string;
  /** Absolute; of the file in the bundle when nobody wants the log. */
  readonly logPath: string;
  /** As `SIGTERM` or `SIGRTMIN+3`. */
  readonly stopSignal: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly supplementalGroups: readonly number[];
  };
  /** False when its process is not the first of a process namespace: its end then leaves others behind. */
  readonly ownsProcesses: boolean;
  readonly createdAtMs: number;
  readonly state: Exclude<ContainerState, 'unknown'>;
  readonly pid?: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly exitCode?: number;
  readonly reason: string;
  readonly message: string;
}

export function containerSummary(record: ContainerRecord): Container {
  const { id, sandboxId, config, imageId, imageRef, state, createdAtMs } = record;
  const { metadata, image, labels, annotations } = config;
  return {
    id,
    podSandboxId: sandboxId,
    metadata,
    image,
    imageRef,
    imageId,
    state,
    createdAtMs,
    labels,
    annotations,
  };
}

export function containerStatusOf(record: ContainerRecord): ContainerStatus {
  const { startedAtMs, finishedAtMs, exitCode, reason, message, config, user, stopSignal } = record;
  return {
    ...containerSummary(record),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
    ...(exitCode === undefined ? {} : { exitCode }),
    reason,
    message,
    mounts: config.mounts,
    logPath: config.logPath === '' ? '' : record.logPath,
    resources: config.linux.resources,
    user,
    stopSignal,
  };
}

/** The places of one container below its own directory. */
export class ContainerPaths {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The merged file system. */
  get rootfs(): string {
    return join(this.directory, 'rootfs');
  }

  /** What the container wrote. */
  get upper(): string {
    return join(this.directory, 'upper');
  }

  get work(): string {
    return join(this.directory, 'work');
  }

  get spec(): string {
    return join(this.directory, 'config.json');
  }

  /** Commands to the monitor: reopen the log, resize the terminal. */
  get control(): string {
    return join(this.directory, 'ctl');
  }

  get attachSocket(): string {
    return join(this.directory, 'attach');
  }

  /** There once the kernel has killed a process for its memory. */
  get outOfMemory(): string {
    return join(this.directory, 'oom');
  }

  get monitorPid(): string {
    return join(this.directory, 'conmon.pid');
  }
}
