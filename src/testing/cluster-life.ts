import type { GroupVersionResource } from '#api/resource-type.ts';
import { defined } from '#base/assert.ts';
import type { Logger } from '#base/log.ts';
import { SystemClock } from '#base/clock.ts';
import { SeededRandom, SystemRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { ComponentSet } from '#cluster/component-set.ts';
import { startInProcessCluster, type InProcessCluster } from '#cluster/in-process-cluster.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { ensureDefaultStorageClass } from '#cluster/default-storage-class.ts';
import { simVolumes } from '#cluster/local-volume-directory.ts';
import { SimNodeSet } from '#cluster/sim-node-set.ts';
import { SIM_POD_CIDR } from '#kubelet/sim/sim-addresses.ts';
import { parseStage, type Stage } from '#kubelet/sim/stages/stage.ts';
import type { PodExplanation } from '#scheduler/explain/explain-pod.ts';
import type { SchedulerOptions } from '#scheduler/scheduler.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { Faults } from './faults.ts';
import type { ContainerFunction } from './functions/container-function.ts';
import type { ServiceRequests } from './functions/service-requests.ts';
import { ObservedTransport } from './observed-transport.ts';
import { Recorder, type Change } from './recorder.ts';

/** What a life of a cluster begins with. */
export interface LifeOrigin {
  readonly clock: VirtualClock;
  readonly seed: number;
  /** With the objects of an earlier life; none for a new cluster. */
  readonly store?: MemoryStore;
  /** Whose history goes on in this life. */
  readonly recorder?: Recorder;
  readonly faults?: Faults;
  /** Stages that were added to that life. */
  readonly stages?: ReadonlyMap<string, Stage>;
}

export interface LifeOptions {
  readonly nodeCount: number;
  readonly hasComponents: boolean;
  /** What containers of these images do; without it the nodes are simulated ones. */
  readonly images?: Readonly<Record<string, ContainerFunction>> | undefined;
  readonly scheduler?: SchedulerOptions | undefined;
  /** Rules of how simulated pods and nodes live. */
  readonly stages?: readonly object[] | undefined;
  readonly log: Logger;
  readonly isWanted: (key: string) => boolean;
  readonly onChange: (change: Change, key: string) => void;
}

/** The nodes of a life, whatever kind they are of. */
export interface LifeNodes extends AsyncDisposable {
  readonly names: readonly string[];
  /** Carries requests to Services; only nodes whose containers are functions have it. */
  readonly requests?: ServiceRequests;
  /** Only simulated nodes have it. */
  addStage?(stage: Stage): void;
  silence(name: string, options: { readonly hasCrashed: boolean }): void;
  revive(name: string, options: { readonly hasRestarted: boolean }): void;
}

const HALF_OF_VALIDITY_MS = 5 * 365 * 86_400_000;
/** Another stream of chance than the components have: a fault that asks for chance changes nothing else. */
const FAULT_SEED = 0x5eed_fa17;

/** One authority for all test clusters of a process: making one takes longer than forking a cluster. */
let sharedAuthority: CertificateAuthority | undefined;

/** Good for five years around the real time, by which clients judge it. */
export function testAuthority(): CertificateAuthority {
  const real = new SystemClock();
  const past = new VirtualClock(real.nowMs() - HALF_OF_VALIDITY_MS);
  sharedAuthority ??= CertificateAuthority.create('kubernetes', { clock: past, random: new SystemRandom() });
  return sharedAuthority;
}

/** A cluster from one start to its end: `reset` ends one and begins another. */
export class ClusterLife implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly base: InProcessCluster;
  readonly components: ComponentSet | undefined;
  readonly nodes: LifeNodes;
  readonly recorder: Recorder;
  readonly faults: Faults;
  /** Rules of how simulated pods and nodes live. */
  readonly stages: Map<string, Stage>;
  /** Nodes whose containers ended. */
  readonly crashed = new Set<string>();
  readonly #running: AsyncDisposableStack;

  private constructor(
    parts: Pick<ClusterLife, 'clock' | 'base' | 'components' | 'nodes' | 'recorder' | 'faults' | 'stages'>,
    running: AsyncDisposableStack,
  ) {
    this.clock = parts.clock;
    this.base = parts.base;
    this.components = parts.components;
    this.nodes = parts.nodes;
    this.stages = parts.stages;
    this.recorder = parts.recorder;
    this.faults = parts.faults;
    this.#running = running;
  }

  /** Resolves when everything runs and nothing is left to do. */
  static async start(origin: LifeOrigin, options: LifeOptions): Promise<ClusterLife> {
    await using running = new AsyncDisposableStack();
    const { clock, seed } = origin;
    const given = origin.stages?.values() ?? options.stages?.map(parseStage) ?? [];
    const stages = new Map([...given].map((stage) => [stage.name, stage]));
    const store = origin.store ?? new MemoryStore({ clock });
    const faults = new Faults(clock, new SeededRandom(seed ^ FAULT_SEED));
    const { revision } = await store.status();
    const recorder = running.use(
      new Recorder(
        { store, clock },
        options,
        origin.recorder === undefined ? { revision } : { revision, recorder: origin.recorder },
      ),
    );
    const authority = testAuthority();
    const base = running.use(
      await startInProcessCluster({
        seed,
        clock,
        store,
        log: options.log,
        clientAuthorityPem: authority.certificatePem,
        carry: (inner, user) =>
          new ObservedTransport({
            inner,
            user: user.name,
            clock,
            faults,
            onWritten: (name, answer) => recorder.noteWriter(name, answer),
          }),
      }),
    );
    const deps = { plane: base.plane, clock, random: base.random, log: options.log, metrics: base.metrics };
    const components = options.hasComponents
      ? running.use(
          new ComponentSet(deps, {
            rootCaPem: authority.certificatePem,
            podCidr: SIM_POD_CIDR,
            localVolumes: simVolumes(),
            ...(options.scheduler === undefined ? {} : { scheduler: options.scheduler }),
          }),
        )
      : undefined;
    components?.start();
    if (components !== undefined) {
      await ensureDefaultStorageClass(base.client);
    }
    const nodes = running.use(await startNodes(deps, options, stages));
    await clock.settle();
    if (origin.faults !== undefined) {
      faults.adopt(origin.faults);
    }
    return new ClusterLife({ clock, base, components, nodes, recorder, faults, stages }, running.move());
  }

  /** @throws {RangeError} its containers are functions, which live as they like */
  addStage(stage: Stage): void {
    if (this.nodes.addStage === undefined) {
      throw stagesRefused(stage);
    }
    this.stages.set(stage.name, stage);
    this.nodes.addStage(stage);
  }

  /** A store with what this one holds now, on a clock that shows the same time. */
  snapshot(): { readonly store: MemoryStore; readonly clock: VirtualClock } {
    const clock = new VirtualClock(this.clock.nowMs());
    return { store: this.base.store.fork({ clock }), clock };
  }

  /** Why the scheduler put a pod where it is, or nowhere. */
  explain(podKey: string): PodExplanation | undefined {
    return this.components?.scheduler.explain(podKey);
  }

  /** Below which key the store keeps the objects of a resource. */
  prefixOf(resource: GroupVersionResource, namespace: string): string {
    const storage = defined(this.base.plane.server.registry.storage(resource), 'a stored resource');
    return storage.prefixOf(namespace);
  }

  close(): Promise<void> {
    return this.#running.disposeAsync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function stagesRefused({ name }: Stage): RangeError {
  return new RangeError(`Stage ${name}: nodes whose containers are functions follow no stages`);
}

async function startNodes(
  deps: Parameters<typeof SimNodeSet.start>[0] & { readonly clock: VirtualClock },
  { nodeCount, images }: Pick<LifeOptions, 'nodeCount' | 'images'>,
  stages: ReadonlyMap<string, Stage>,
): Promise<LifeNodes> {
  if (images === undefined) {
    return await SimNodeSet.start(deps, nodeCount, [...stages.values()]);
  }
  const [stage] = stages.values();
  if (stage !== undefined) {
    throw stagesRefused(stage);
  }
  // A whole kubelet, which most tests do without.
  const { FunctionNodes } = await import('./functions/function-nodes.ts');
  return await FunctionNodes.start(deps, images, nodeCount);
}
