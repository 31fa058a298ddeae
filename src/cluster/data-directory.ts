import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '#base/random.ts';

/** What a cluster decides once and keeps. Stored as `cluster.json`. */
export interface ClusterSettings {
  /** Layout of the data directory; a program reads only its own. */
  readonly format: number;
  /** Names everything the cluster makes on the host: bridge, tables, namespaces, cgroups. */
  readonly instanceId: string;
  readonly serviceCidr: string;
  readonly podCidr: string;
  /** Port of the API server; kept, so that kubeconfigs stay good. */
  readonly port: number;
}

/** The running program, for `status`, `down` and `logs`. Stored as `run.json` while it runs. */
export interface RunState {
  readonly pid: number;
  /** From `/proc/<pid>/stat`, so that a recycled process id is not taken for this program. */
  readonly startTime: string;
  readonly server: string;
  readonly kubeconfig: string;
  readonly nodes: string;
  readonly isReady: boolean;
  /** Set when its time is not the machine's: it lives in memory, and in its directory only once it has stopped. */
  readonly clock?: 'virtual';
  /** Where its clock is moved and faults are made, `https://host:port`; only where that was asked for. */
  readonly control?: string;
}

const FORMAT = 1;

/** The data directory cannot be used; the message says why in one sentence and what to do. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
  readonly code = 'cluster/data-directory';
}

/** Paths below one cluster's data directory. */
export class DataDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get store(): string {
    return join(this.path, 'store');
  }

  /** Volumes that were made for claims; each is a directory of its own. */
  get volumes(): string {
    return join(this.path, 'volumes');
  }

  get node(): string {
    return join(this.path, 'node');
  }

  get kubeconfig(): string {
    return join(this.path, 'admin.conf');
  }

  get log(): string {
    return join(this.path, 'coracle.log');
  }

  /**
   * Reads the settings, or makes new ones in an empty directory.
   *
   * @param decide chooses what a new cluster gets; called only for one
   * @throws {DataDirectoryError} for a directory of something else or of another version
   */
  async open(
    random: Random,
    decide: () => Promise<Pick<ClusterSettings, 'serviceCidr' | 'podCidr' | 'port'>>,
  ): Promise<ClusterSettings> {
    const present = this.readSettings();
    if (present !== undefined) {
      return present;
    }
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    const strangers = readdirSync(this.path).filter(
      (name) => !/^(?:coracle\.log|run\.json|.*\.tmp)$/.test(name),
    );
    if (strangers.length > 0) {
      throw new DataDirectoryError(
        `${this.path} holds ${strangers.slice(0, 3).join(', ')} but no cluster.json; it is no data directory of Coracle, or its first start was cut short: choose another --data-dir, or remove it`,
      );
    }
    const settings: ClusterSettings = {
      format: FORMAT,
      instanceId: Buffer.from(random.bytes(3)).toString('hex'),
      ...(await decide()),
    };
    this.#write('cluster.json', settings);
    return settings;
  }

  /** The settings of an existing cluster. @throws {DataDirectoryError} when they cannot be read */
  readSettings(): ClusterSettings | undefined {
    const value = this.#read('cluster.json');
    if (value === undefined) {
      return undefined;
    }
    const format = isFields(value) ? value['format'] : undefined;
    if (format !== FORMAT) {
      throw new DataDirectoryError(
        `${this.path} has data format ${String(format)}, this program reads format ${FORMAT}: start the version that made it, or choose another --data-dir`,
      );
    }
    if (!isSettings(value)) {
      throw new DataDirectoryError(
        `${join(this.path, 'cluster.json')} is damaged (settings are missing): restore it from a backup, or choose another --data-dir`,
      );
    }
    return value;
  }

  readRun(): RunState | undefined {
    return this.#read('run.json') as RunState | undefined;
  }

  writeRun(state: RunState): void {
    this.#write('run.json', state);
  }

  clearRun(): void {
    rmSync(join(this.path, 'run.json'), { force: true });
  }

  #read(name: string): unknown {
    const path = join(this.path, name);
    try {
      return JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      if (error instanceof SyntaxError) {
        throw new DataDirectoryError(
          `${path} is damaged (${error.message}): restore it from a backup, or choose another --data-dir`,
        );
      }
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }

  /** Whole or not at all: a crash in the middle leaves the old file. */
  #write(name: string, value: object): void {
    const path = join(this.path, name);
    writeFileSync(`${path}.tmp`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  }
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isSettings(value: unknown): value is ClusterSettings {
  return (
    isFields(value) &&
    ['instanceId', 'serviceCidr', 'podCidr'].every((name) => typeof value[name] === 'string') &&
    typeof value['port'] === 'number'
  );
}

/** When a process started, in clock ticks since boot, or undefined when there is none. Linux only; elsewhere `unknown`. */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only whoever started it has not looked yet.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw error;
    }
    return process.platform === 'linux' ? undefined : isAlive(pid);
  }
}

function isAlive(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') {
      return undefined;
    }
    throw error;
  }
}

/** True while the program that wrote the state is the one with its process id. */
export function isRunning(state: RunState | undefined): state is RunState {
  return state !== undefined && processStartTime(state.pid) === state.startTime;
}

/** @throws {DataDirectoryError} a cluster runs there */
export function assertStopped(directory: DataDirectory): void {
  const running = directory.readRun();
  if (isRunning(running)) {
    throw new DataDirectoryError(
      `the cluster in ${directory.path} already runs (process ${running.pid}); stop it with "coracle down"`,
    );
  }
}
