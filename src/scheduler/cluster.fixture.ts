import type { DeepPartial } from '#api/object.ts';
import { conflict, notFound } from '#api/status-error.ts';
import type { Node, Pod, PodSpec, PodStatus, Taint } from '#api/types/core.v1.ts';
import { NODE, POD } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { StaticInformers } from '#client/static-informers.ts';
import type { ApiRequest, Transport } from '#client/transport.ts';
import type { PosterFactory } from './extenders/post-json.ts';
import { createScheduler, type Scheduler, type SchedulerOptions } from './scheduler.ts';

export interface NodeFacts {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly isCordoned?: boolean;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly images?: Node['status']['images'];
}

/** A node of 4 cores and 8 GiB for 110 pods unless said otherwise, labelled with its host name. */
export function aNode(name: string, facts: NodeFacts = {}): Node {
  const { cpu = '4', memory = '8Gi', pods = '110', labels = {}, taints, isCordoned, images } = facts;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'kubernetes.io/hostname': name, ...labels },
    },
    spec: {
      ...(taints === undefined ? {} : { taints }),
      ...(isCordoned === true ? { unschedulable: true } : {}),
    },
    // The rest of a node's status says nothing to the scheduler.
    status: {
      allocatable: { cpu, memory, pods, ...facts.allocatable },
      ...(images === undefined ? {} : { images }),
    } as unknown as Node['status'],
  };
}

export interface PodFacts {
  readonly namespace?: string;
  readonly requests?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  readonly priority?: number;
  readonly hostPort?: number;
  readonly image?: string;
  readonly spec?: Partial<PodSpec>;
  readonly status?: Partial<PodStatus>;
  readonly ownerReferences?: Pod['metadata']['ownerReferences'];
  readonly isTerminating?: boolean;
}

let podsMade = 0;

/** A pod of one container that requests nothing, in namespace `default`, with a UID of its own. */
export function aPod(name: string, facts: PodFacts = {}): Pod {
  const {
    namespace = 'default',
    requests = {},
    labels,
    nodeName,
    priority,
    hostPort,
    image = 'app:1',
  } = facts;
  podsMade += 1;
  const ports = hostPort === undefined ? {} : { ports: [{ containerPort: hostPort, hostPort }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}-${podsMade}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(labels === undefined ? {} : { labels }),
      ...(facts.ownerReferences === undefined ? {} : { ownerReferences: facts.ownerReferences }),
      ...(facts.isTerminating === true ? { deletionTimestamp: '2026-01-01T00:00:30Z' } : {}),
    },
    spec: {
      containers: [{ name: 'main', image, resources: { requests }, ...ports }],
      schedulerName: 'default-scheduler',
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(priority === undefined ? {} : { priority }),
      ...facts.spec,
    },
    status: { phase: nodeName === undefined ? 'Pending' : 'Running', ...facts.status },
  };
}

export interface RecordedEvent {
  readonly name: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/**
 * A scheduler over informers that are set by hand and an API that binds, patches status and deletes pods in
 * memory, all on a virtual clock.
 */
export class TestCluster implements AsyncDisposable {
  readonly informers = new StaticInformers();
  readonly clock = new VirtualClock();
  readonly events: RecordedEvent[] = [];
  readonly metrics = new MetricsRegistry();
  readonly requests: ApiRequest[] = [];
  readonly scheduler: Scheduler;
  /** Makes the next bindings fail with this error. */
  bindError: Error | undefined;

  constructor(options: SchedulerOptions = {}, posters?: PosterFactory) {
    const events: EventRecorder = {
      event: (target, type, reason, message) => {
        const object = 'object' in target ? target.object : target;
        this.events.push({ name: object.metadata.name, type, reason, message });
      },
    };
    this.scheduler = createScheduler(
      {
        client: new Client(this.#transport(), 'kube-scheduler'),
        informers: this.informers,
        events,
        clock: this.clock,
        random: new SeededRandom(1),
        log: SILENT_LOGGER,
        metrics: this.metrics,
        ...(posters === undefined ? {} : { posters }),
      },
      options,
    );
    this.informers.start();
    this.scheduler.start();
  }

  addNodes(...nodes: readonly Node[]): void {
    for (const node of nodes) {
      this.informers.set(NODE, node);
    }
  }

  addPods(...pods: readonly Pod[]): void {
    for (const pod of pods) {
      this.informers.set(POD, pod);
    }
  }

  pod(name: string): Pod {
    const pod = this.informers.of(POD).get(`default/${name}`);
    if (pod === undefined) {
      throw new Error(`no pod ${name}`);
    }
    return pod;
  }

  /** Pod name to node name, of all pods that have one. */
  placements(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.informers
        .of(POD)
        .list()
        .flatMap(({ metadata, spec }) =>
          spec.nodeName === undefined ? [] : [[metadata.name, spec.nodeName]],
        ),
    );
  }

  /** Lets everything happen that happens without time passing, give or take a moment. */
  async settle(): Promise<void> {
    await this.clock.advance(5);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.close();
    await this.informers.close();
  }

  #transport(): Transport {
    return {
      request: async (request) => {
        this.requests.push(request);
        return this.#answer(request);
      },
      watch: async function* () {
        // Nothing watches through this transport: the informers are set by hand.
      },
    };
  }

  #answer({ verb, namespace = '', name = '', subresource, body }: ApiRequest): unknown {
    const key = `${namespace}/${name}`;
    const pod = this.informers.of(POD).get(key);
    if (pod === undefined) {
      throw notFound(POD, name);
    }
    if (verb === 'delete') {
      this.informers.delete(POD, key);
      return {};
    }
    if (subresource === 'binding') {
      if (this.bindError !== undefined) {
        throw this.bindError;
      }
      const { target } = body as { readonly target: { readonly name: string } };
      if (pod.spec.nodeName !== undefined) {
        throw conflict(POD, name, 'pod is already assigned to a node');
      }
      return this.informers.set(POD, { ...pod, spec: { ...pod.spec, nodeName: target.name } });
    }
    const { status } = body as DeepPartial<Pod>;
    const patched = { ...pod.status, ...(status as PodStatus) };
    return this.informers.set(POD, { ...pod, status: patched });
  }
}
