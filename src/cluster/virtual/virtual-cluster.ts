import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryStore } from '#store/memory-store.ts';
import { readImage } from '#store/lmdb-image.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { parseKubeconfig } from '#client/kubeconfig.ts';
import type { SchedulerOptions } from '#scheduler/scheduler.ts';
import type { ServedListener } from '#testing/disturb.ts';
import { TestCluster } from '#testing/test-cluster.ts';
import { chooseAddresses } from '../address-plan.ts';
import { DataDirectoryError, type DataDirectory } from '../data-directory.ts';
import { writeSecretFile } from '../pki/secret-file.ts';
import { replaceStore } from '../snapshot.ts';
import { ControlServer } from './control-server.ts';
import { Outsiders } from './outsiders.ts';
import { RunningClock } from './running-clock.ts';

export interface VirtualClusterOptions {
  readonly directory: DataDirectory;
  readonly nodeCount: number;
  readonly seed: number;
  /** What the clock of a new cluster shows at first, milliseconds since the Unix epoch. */
  readonly startMs?: number;
  /** Left out: the port of an earlier start, or any free one. */
  readonly port?: number;
  /** Left out: nothing but the Kubernetes API is served. */
  readonly controlPort?: number;
  readonly kubeconfig?: string;
  /** Left out: upstream's defaults. */
  readonly scheduler?: SchedulerOptions;
  /** The machine's: what running time is measured by. */
  readonly realClock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const PORT_DEFAULT = 6443;

/**
 * A whole cluster in memory whose time stands still until it is told to pass: what `coracle up --clock virtual` runs.
 * It begins with what its data directory holds and writes itself down there when it stops, or is told to.
 */
export class VirtualCluster implements AsyncDisposable {
  readonly server: string;
  readonly kubeconfig: string;
  readonly clock = 'virtual';
  /** Undefined when it was not asked for. */
  readonly control: string | undefined;
  readonly #options: VirtualClusterOptions;
  readonly #cluster: TestCluster;
  readonly #running: AsyncDisposableStack;

  private constructor(
    options: VirtualClusterOptions,
    parts: {
      readonly cluster: TestCluster;
      readonly server: string;
      readonly control: string | undefined;
      readonly running: AsyncDisposableStack;
    },
  ) {
    this.#options = options;
    this.#cluster = parts.cluster;
    this.#running = parts.running;
    this.server = parts.server;
    this.control = parts.control;
    this.kubeconfig = options.kubeconfig ?? options.directory.kubeconfig;
  }

  /** @throws {DataDirectoryError | StoreOpenError} the directory cannot be used */
  static async start(options: VirtualClusterOptions): Promise<VirtualCluster> {
    const { directory, nodeCount: nodes, seed, random, log, realClock, controlPort, scheduler } = options;
    const settings = await directory.open(random, async () => ({
      ...chooseAddresses(random),
      port: options.port ?? PORT_DEFAULT,
    }));
    await using running = new AsyncDisposableStack();
    const origin = await resumed(options);
    const cluster = running.use(
      await TestCluster.resume(
        { nodes, seed, log, ...(scheduler === undefined ? {} : { scheduler }) },
        origin,
      ),
    );
    const outsiders = new Outsiders(cluster, realClock);
    const onRequest: ServedListener = (request, ends) => outsiders.noteRequest(request, ends);
    const kubeconfig = await serve(cluster, { wanted: options.port, earlier: settings.port, onRequest });
    const {
      server,
      ca = '',
      cert = '',
      key = '',
    } = parseKubeconfig(kubeconfig, { directory: directory.path });
    for (const path of new Set([directory.kubeconfig, options.kubeconfig ?? directory.kubeconfig])) {
      writeSecretFile(path, kubeconfig);
    }
    let control: string | undefined;
    let virtual: VirtualCluster | undefined;
    if (controlPort !== undefined) {
      const clock = running.use(new RunningClock(cluster, realClock, log));
      const save = async (): Promise<void> => virtual?.save();
      const controls = running.use(new ControlServer({ cluster, clock, outsiders, save, log }));
      control = await controls.listen(controlPort);
      // For curl and the like, which want a file each.
      writeSecretFile(join(directory.path, 'control', 'ca.crt'), ca);
      writeSecretFile(join(directory.path, 'control', 'admin.crt'), cert);
      writeSecretFile(join(directory.path, 'control', 'admin.key'), key);
    }
    virtual = new VirtualCluster(options, { cluster, server, control, running: running.move() });
    return virtual;
  }

  /** Writes everything into the data directory: whole, or the old state stays. */
  async save(): Promise<void> {
    const { directory } = this.#options;
    const { store, clock } = await this.#cluster.snapshot();
    await replaceStore(directory, store.image());
    await store.close();
    writeSecretFile(
      clockFile(directory),
      `${JSON.stringify({ now: new Date(clock.nowMs()).toISOString() })}\n`,
    );
  }

  async close(): Promise<void> {
    try {
      await this.save();
    } finally {
      await this.#running.disposeAsync();
    }
  }

  destroy(): Promise<void> {
    return this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The state an earlier run left, at the time its clock showed; an empty one for a new cluster. */
async function resumed({
  directory,
  startMs,
  realClock,
}: VirtualClusterOptions): Promise<{ readonly store: MemoryStore; readonly clock: VirtualClock }> {
  const unplaced = `${directory.store}.new`;
  if (!existsSync(directory.store) && existsSync(unplaced)) {
    // Whole, for the old one went only after it was: the program was killed in between.
    renameSync(unplaced, directory.store);
  }
  if (!existsSync(directory.store)) {
    const clock = new VirtualClock(startMs);
    return { clock, store: new MemoryStore({ clock }) };
  }
  // A cluster that ran by the machine's clock goes on from now.
  const clock = new VirtualClock(readClock(directory) ?? realClock.nowMs());
  return { clock, store: new MemoryStore({ clock }, await readImage(directory.store)) };
}

function readClock(directory: DataDirectory): number | undefined {
  const path = clockFile(directory);
  if (!existsSync(path)) {
    return undefined;
  }
  const { now } = JSON.parse(readFileSync(path, 'utf8')) as { readonly now?: string };
  const nowMs = Date.parse(now ?? '');
  if (Number.isNaN(nowMs)) {
    throw new DataDirectoryError(`${path} is damaged: write {"now": "<time>"} into it, or remove it`);
  }
  return nowMs;
}

function clockFile(directory: DataDirectory): string {
  return join(directory.path, 'clock.json');
}

async function serve(
  cluster: TestCluster,
  { wanted, earlier, onRequest }: { wanted: number | undefined; earlier: number; onRequest: ServedListener },
): Promise<string> {
  try {
    return await cluster.kubeconfig({ port: wanted ?? earlier, onRequest });
  } catch (error) {
    if (wanted !== undefined || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw error;
    }
    return cluster.kubeconfig({ port: 0, onRequest });
  }
}
