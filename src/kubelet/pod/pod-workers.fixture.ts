import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '#base/random.ts';
import { LineLogger, SILENT_LOGGER } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { NewObject } from '#api/object.ts';
import { formatTime } from '#api/time.ts';
import type { ContainerStatus, Pod, Service } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { createInformers } from '#client/informer.ts';
import type { Informers } from '#client/lister.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import type { ContainerConfig } from '#runtime/cri.ts';
import type { FakeLife } from '#runtime/fake-life.ts';
import { FakeRuntime } from '#runtime/fake-runtime.ts';
import { diskTurn, turnsUntil } from '../disk-turn.fixture.ts';
import { ApiConfigSources } from '../container/config-sources.ts';
import { LifecycleHooks } from '../container/lifecycle-hooks.ts';
import { ImagePuller } from '../images/image-puller.ts';
import { NO_PROBES, type PodProbes } from '../probes/pod-probes.ts';
import { NO_CGROUPS } from '../resources/pod-cgroups.ts';
import { PodStatusWriter } from '../status/status-writer.ts';
import type { MountedVolume, PodVolumes } from '../volumes/pod-volumes.ts';
import { Backoff } from './backoff.ts';
import { ContainerStarter } from './container-starter.ts';
import { ContainerStopper } from './container-stopper.ts';
import { PodPaths } from './pod-paths.ts';
import { PodWorkers } from './pod-workers.ts';
import type { PodWorkerDeps } from './pod-worker.ts';

export interface BenchOptions {
  readonly life?: (config: ContainerConfig) => FakeLife;
  readonly probes?: (pod: Pod, onChange: () => void) => PodProbes;
  readonly services?: readonly Service[];
  readonly volumes?: PodVolumes;
}

const NO_VOLUMES: PodVolumes = {
  mount: (pod) =>
    Promise.resolve(
      new Map<string, MountedVolume>(
        (pod.spec.volumes ?? []).map(({ name }) => [name, { hostPath: `/volumes/${name}`, readOnly: false }]),
      ),
    ),
  unmount: () => Promise.resolve(),
};

/** Pod workers on a fake runtime, a virtual clock and an in-memory API. */
export class PodBench implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly transport = new MemoryTransport(this.clock);
  readonly client = new Client(this.transport);
  readonly runtime: FakeRuntime;
  /** `reason: message` of every event so far. */
  readonly events: string[] = [];
  /** How often the server was asked to let a pod go. */
  deletionCount = 0;
  /** What was logged, for the message of a test that waits in vain. */
  readonly #lines: string[] = [];
  readonly log = new LineLogger(
    (line) => void this.#lines.push(line),
    () => this.clock.nowMs(),
    'info',
  );
  readonly recorder: EventRecorder = {
    event: (_target, _type, reason, message) => void this.events.push(`${reason}: ${message}`),
  };
  readonly #options: BenchOptions;
  readonly #directory: string;
  readonly #tasks = new TaskGroup((name, error) => {
    throw new Error(name, { cause: error });
  });
  #informers: Informers;
  #workers: PodWorkers;

  static async open(options: BenchOptions = {}): Promise<PodBench> {
    return new PodBench(options, await mkdtemp(join(tmpdir(), 'coracle-pods-')));
  }

  constructor(options: BenchOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
    this.runtime = new FakeRuntime({
      clock: this.clock,
      random: new SeededRandom(1),
      ...(options.life === undefined ? {} : { life: options.life }),
    });
    this.#informers = this.#newInformers();
    this.#workers = this.#newWorkers();
  }

  /** Loses everything a kubelet keeps in memory, and starts anew. */
  async restartKubelet(): Promise<void> {
    await this.#workers.close();
    await this.#informers.close();
    this.#informers = this.#newInformers();
    this.#workers = this.#newWorkers();
  }

  create(pod: NewObject<Pod>): Pod {
    return this.transport.put(POD, pod);
  }

  /** As the server does it: the pod stays, with a time to be gone by. */
  markDeleted(graceSeconds: number, key = 'default/web'): void {
    const pod = this.pod(key);
    this.transport.put(POD, {
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: formatTime(this.clock.nowMs() + graceSeconds * 1000),
        deletionGracePeriodSeconds: graceSeconds,
      },
    });
  }

  /** As the server does it when the last finalizer goes. */
  drop(key = 'default/web'): void {
    this.transport.drop(POD, key);
  }

  find(key = 'default/web'): Pod | undefined {
    return this.transport.peek(POD, key);
  }

  pod(key = 'default/web'): Pod {
    const pod = this.find(key);
    if (pod === undefined) {
      throw new Error(`no pod ${key}`);
    }
    return pod;
  }

  get workers(): PodWorkers {
    return this.#workers;
  }

  /** Waits, without moving the clock, until `condition` holds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    if (await turnsUntil(this.clock, this.#directory, condition)) {
      return;
    }
    const pod = this.find();
    throw new Error(
      `never: ${what}; status ${JSON.stringify(pod?.status)}; events ${this.events.join(' | ')}`,
    );
  }

  /** Lets everything that goes on by itself come to rest. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 8; turn++) {
      await diskTurn(this.clock, this.#directory);
    }
  }

  /** Moves time in small steps, letting files and promises keep up. */
  async advance(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 1) {
      await this.clock.advance(Math.min(left, 1) * 1000);
      await diskTurn(this.clock, this.#directory);
      await diskTurn(this.clock, this.#directory);
    }
    await this.settle();
  }

  /** `main:running*` (ready), `main:waiting(CrashLoopBackOff)`, `main:ended(0 Completed)`, with `x3` restarts. */
  summary(key = 'default/web'): string {
    const { status } = this.pod(key);
    const all = [
      ...(status.initContainerStatuses ?? []),
      ...(status.containerStatuses ?? []),
      ...(status.ephemeralContainerStatuses ?? []),
    ];
    return [status.phase, ...all.map(containerText)].join(' ');
  }

  async containerId(name: string): Promise<string> {
    const containers = await this.runtime.listContainers({ state: 'running' });
    const found = containers.find(({ metadata }) => metadata.name === name);
    if (found === undefined) {
      throw new Error(`no running container ${name}`);
    }
    return found.id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime.close();
    await this.#workers.close();
    await this.#informers.close();
    await this.#tasks.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #newInformers(): Informers {
    return createInformers({
      transport: this.transport,
      clock: this.clock,
      random: new SeededRandom(2),
      log: SILENT_LOGGER,
    });
  }

  #newWorkers(): PodWorkers {
    const workers = new PodWorkers(this.#deps());
    this.#informers.of(POD).addHandler(workers.handler);
    this.#informers.start();
    this.#tasks.spawn('events', async (signal) => {
      for await (const event of this.runtime.containerEvents(signal)) {
        if (event.type !== 'overflow') {
          workers.wake(event.podUid);
        }
      }
    });
    return workers;
  }

  #deps(): PodWorkerDeps {
    const { clock, runtime, client } = this;
    const { log, recorder } = this;
    const paths = new PodPaths(join(this.#directory, 'kubelet'), join(this.#directory, 'logs'));
    const sources = new ApiConfigSources(client);
    const hooks = new LifecycleHooks(runtime, clock);
    const puller = new ImagePuller({ images: runtime.images, sources, events: recorder, clock });
    const node = {
      name: 'node-1',
      hostIps: ['192.168.0.1'],
      clusterDomain: 'cluster.local',
      dns: {
        clusterDns: ['10.96.0.10'],
        clusterDomain: 'cluster.local',
        host: { servers: ['9.9.9.9'], searches: [], options: [] },
      },
      memoryCapacityBytes: 8 * 2 ** 30,
      allocatable: () => ({ cpu: '2', memory: '8Gi' }),
    };
    const services = (): readonly Service[] => this.#options.services ?? [];
    return {
      clock,
      log,
      events: recorder,
      runtime,
      runtimeName: () => Promise.resolve('fake'),
      node,
      paths,
      starter: new ContainerStarter({
        runtime,
        puller,
        hooks,
        sources,
        services,
        node,
        paths,
        events: recorder,
        log,
      }),
      stopper: new ContainerStopper({ runtime, hooks, events: recorder, clock, log }),
      volumes: this.#options.volumes ?? NO_VOLUMES,
      cgroups: NO_CGROUPS,
      statusWriter: new PodStatusWriter({ client, clock, tasks: this.#tasks, log }),
      crashBackoff: new Backoff(clock),
      pullBlockedUntilMs: (pod, image) => puller.blockedUntilMs(pod, image),
      forget: (pod) => puller.forget(pod),
      probes: this.#options.probes ?? (() => NO_PROBES),
      runtimeHandler: () => Promise.resolve(undefined),
      deletePod: async (pod) => {
        this.deletionCount += 1;
        const stored = this.find(`${pod.metadata.namespace}/${pod.metadata.name}`);
        if (stored !== undefined && (stored.metadata.finalizers ?? []).length === 0) {
          this.drop(`${pod.metadata.namespace}/${pod.metadata.name}`);
        }
      },
      jitter: () => 0,
    };
  }
}

function containerText({ name, state, ready, restartCount }: ContainerStatus): string {
  const { waiting, running, terminated } = state;
  const text =
    running !== undefined
      ? `running${ready ? '*' : ''}`
      : terminated !== undefined
        ? `ended(${terminated.exitCode} ${terminated.reason ?? ''})`
        : `waiting(${waiting?.reason ?? ''})`;
  return `${name}:${text}${restartCount === 0 ? '' : `x${restartCount}`}`;
}
