import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import { isAlreadyExists, isNotFound } from '#api/status-error.ts';
import { formatMicroTime } from '#api/time.ts';
import type { Node, NodeStatus, ResourceList, Taint } from '#api/types/core.v1.ts';
import { LEASE, NODE, POD } from '#api/types/resources.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import type { Client } from '#client/client.ts';
import type { Informers } from '#client/lister.ts';
import type { NodeFacts } from '../node/node-facts.ts';
import { LEASE_NAMESPACE, leaseOf } from '../node/node-lease.ts';
import { nodeStatus } from '../node/node-status.ts';
import type { NodeStreams } from '../node-streams.ts';
import { DelayQueue } from './delay-queue.ts';
import { simNodeIp, SimPodIps } from './sim-addresses.ts';
import { SimNodeStages } from './sim-node-stages.ts';
import { SimPods, type SimNode } from './sim-pods.ts';
import { simStreams } from './sim-streams.ts';
import { StagePlayer } from './stages/stage-player.ts';
import type { Stage } from './stages/stage.ts';
import { WriteLanes } from './write-lanes.ts';

export interface SimNodesOptions {
  readonly client: Client;
  /** Asked for all pods and all nodes; started by `start`. */
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly count: number;
  /** `sim-0`, `sim-1`, … when left out. */
  readonly nameOf?: (index: number) => string;
  /** Beside the well-known ones; a zone, for example. */
  readonly labelsOf?: (index: number) => Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** What each node has to give; 32 CPUs, 256 GiB and 110 pods when left out. */
  readonly capacity?: ResourceList;
  /** Between two renewals of a node's Lease; 10 s, or 30 s for more than 500 nodes. */
  readonly leaseRenewalMs?: number;
  /** As {@link SimNodes.addStage} adds them, from the start. */
  readonly stages?: readonly Stage[];
}

/** Nodes without machines: their pods' lives are played at the speed of the clock. */
export interface SimNodes extends AsyncDisposable {
  readonly names: readonly string[];
  /** For any of these nodes. */
  readonly streams: NodeStreams;
  /** Resolves when every node is registered and ready. */
  start(): Promise<void>;
  /** The node's agent falls silent: no Lease, no status, nothing of its pods. */
  silence(name: string): void;
  /** Undoes {@link silence}. A node that `hasRestarted` starts the containers of its pods anew. */
  revive(name: string, options: { readonly hasRestarted: boolean }): void;
  /** A rule of how pods or nodes live, in place of one of its name. It goes before what is built in. */
  addStage(stage: Stage): void;
  /** Ends the play; nodes and pods stay as they are. */
  close(): Promise<void>;
}

const CAPACITY_DEFAULT: ResourceList = {
  cpu: '32',
  memory: '256Gi',
  'ephemeral-storage': '1Ti',
  pods: '110',
};
const LEASE_RENEWAL_MS = 10_000;
/** Still well within the 50 s after which a silent node is given up. */
const LEASE_RENEWAL_MS_MANY = 30_000;
const MANY = 500;
/** Renewals of many nodes come together this often: one commit for all of them, and no long burst. */
const RENEWAL_SLOT_MS = 50;
const RETRY_MS = 1_000;

export function createSimNodes(options: SimNodesOptions): SimNodes {
  return new SimulatedNodes(options);
}

class SimulatedNodes implements SimNodes {
  readonly names: readonly string[];
  readonly streams: NodeStreams;
  readonly #options: SimNodesOptions;
  readonly #tasks: TaskGroup;
  readonly #queue: DelayQueue;
  readonly #lanes: WriteLanes;
  readonly #nodes: ReadonlyMap<string, SimNode>;
  readonly #pods: SimPods;
  readonly #renewalMs: number;
  readonly #stages: StagePlayer;
  readonly #nodeStages: SimNodeStages;
  #events: ApiEventRecorder | undefined;

  constructor(options: SimNodesOptions) {
    const { client, clock, log, informers, count, nameOf = (index) => `sim-${index}` } = options;
    this.#options = options;
    this.#tasks = TaskGroup.logging(log);
    this.#queue = new DelayQueue(clock);
    this.#lanes = new WriteLanes(this.#tasks);
    this.names = Array.from({ length: count }, (_, index) => nameOf(index));
    this.#nodes = new Map(
      this.names.map((name, index) => [
        name,
        { name, ip: simNodeIp(index), podIps: new SimPodIps(index), isSilent: false, life: 0 },
      ]),
    );
    const pods = informers.of(POD);
    const { lanes, queue, nodes } = { lanes: this.#lanes, queue: this.#queue, nodes: this.#nodes };
    const { random } = options;
    const events = (): ApiEventRecorder =>
      (this.#events ??= new ApiEventRecorder({ client, clock, random, log, component: 'sim-nodes' }));
    const stages = new StagePlayer({ client, clock, random, events });
    this.#stages = stages;
    options.stages?.forEach((stage) => stages.add(stage));
    this.#pods = new SimPods({ client, clock, log, pods, queue, lanes, nodes, stages });
    this.#nodeStages = new SimNodeStages({ log, lister: informers.of(NODE), queue, lanes, nodes, stages });
    this.streams = simStreams(pods);
    this.#renewalMs = options.leaseRenewalMs ?? (count > MANY ? LEASE_RENEWAL_MS_MANY : LEASE_RENEWAL_MS);
  }

  async start(): Promise<void> {
    const { informers } = this.#options;
    const pods = informers.of(POD);
    const nodes = informers.of(NODE);
    informers.start();
    const registered = this.names.map((name, index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#register(name, index, resolve);
      return promise;
    });
    this.#tasks.spawn('sim pods', async (signal) => {
      await informers.whenSynced(signal);
      nodes.addHandler({
        onAdd: (node) => {
          this.#useRange(node);
          this.#nodeStages.consider(node);
        },
        onUpdate: (previous, node) => {
          this.#nodeStages.consider(node);
          if (previous.spec.podCIDR !== node.spec.podCIDR) {
            this.#useRange(node);
          }
        },
      });
      pods.addHandler(this.#pods.handler);
    });
    await Promise.all(registered);
  }

  silence(name: string): void {
    const node = this.#nodes.get(name);
    if (node !== undefined) {
      node.isSilent = true;
      node.life++;
    }
  }

  revive(name: string, { hasRestarted }: { readonly hasRestarted: boolean }): void {
    const node = this.#nodes.get(name);
    if (node?.isSilent !== true) {
      return;
    }
    node.isSilent = false;
    this.#register(name, this.names.indexOf(name), () => undefined);
    this.#pods.resume(name, { hasRestarted });
  }

  addStage(stage: Stage): void {
    this.#stages.add(stage);
    this.#pods.reconsiderAll();
    this.#options.informers
      .of(NODE)
      .list()
      .forEach((node) => this.#nodeStages.consider(node));
  }

  async close(): Promise<void> {
    this.#queue.close();
    await this.#events?.close();
    await this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Pods that come from now on get addresses from the node's own range. */
  #useRange({ metadata, spec }: Node): void {
    const node = this.#nodes.get(metadata.name);
    if (node !== undefined && spec.podCIDR !== undefined) {
      node.podIps = new SimPodIps(this.names.indexOf(metadata.name), spec.podCIDR);
    }
  }

  #register(name: string, index: number, done: () => void): void {
    this.#lanes.send(`node ${name}`, async (signal) => {
      try {
        const node = await this.#createOrAdopt(name, index, signal);
        await this.#renew(node, signal);
        // Spread over the period, so that the renewals of all nodes do not come at once.
        const offsetMs = this.#options.random.float() * this.#renewalMs;
        const life = this.#nodes.get(name)?.life;
        this.#queue.add(this.#untilSlot(offsetMs), () => this.#beat(node, life));
        done();
      } catch (error) {
        if (!signal.aborted) {
          this.#options.log.warn('simulated node not registered', { node: name, error });
          this.#queue.add(RETRY_MS, () => this.#register(name, index, done));
        }
      }
    });
  }

  async #createOrAdopt(name: string, index: number, signal: AbortSignal): Promise<Node> {
    const { client, taints, labelsOf } = this.#options;
    const nodes = client.of(NODE);
    const labels = {
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'coracle.dev/node-kind': 'sim',
      ...labelsOf?.(index),
    };
    const status = this.#status(name, index);
    const spec = taints === undefined ? {} : { taints };
    try {
      return await nodes.create({ metadata: { name, labels }, spec, status }, {}, signal);
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
    return await nodes.patch('', name, { status }, { type: 'merge', subresource: 'status' }, signal);
  }

  #beat(node: Node, life: number | undefined): void {
    const nodes = this.#options.informers.of(NODE);
    if (nodes.hasSynced && nodes.get(node.metadata.name) === undefined) {
      return; // Somebody deleted the node: it stays away.
    }
    if (this.#nodes.get(node.metadata.name)?.life !== life) {
      return; // It fell silent since; it registers again when it comes back.
    }
    this.#queue.add(this.#untilSlot(this.#renewalMs), () => this.#beat(node, life));
    this.#lanes.send(`lease ${node.metadata.name}`, async (signal) => {
      try {
        await this.#renew(node, signal);
      } catch (error) {
        if (!signal.aborted) {
          this.#options.log.warn('simulated node lease not renewed', { node: node.metadata.name, error });
        }
      }
    });
  }

  /** The delay until the slot nearest to `delayMs` from now, in milliseconds. */
  #untilSlot(delayMs: number): number {
    const nowMs = this.#options.clock.monotonicMs();
    return Math.max(Math.round((nowMs + delayMs) / RENEWAL_SLOT_MS) * RENEWAL_SLOT_MS - nowMs, 0);
  }

  /** By a patch without a version: nobody else writes it, and it saves the read. */
  async #renew(node: Node, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const leases = client.of(LEASE);
    const { name } = node.metadata;
    const renewTime = formatMicroTime(clock.nowMs());
    try {
      await leases.patch(LEASE_NAMESPACE, name, { spec: { renewTime } }, { type: 'merge' }, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
      await leases.create(leaseOf(node, clock.nowMs()), {}, signal);
    }
  }

  #status(name: string, index: number): NodeStatus {
    const { capacity = CAPACITY_DEFAULT, clock } = this.#options;
    const ready = { status: true, reason: '', message: '' };
    const status = nodeStatus({
      facts: NO_FACTS,
      addresses: [
        { type: 'InternalIP', address: simNodeIp(index) },
        { type: 'Hostname', address: name },
      ],
      port: 10_250,
      runtimeVersion: 'sim://1.0.0',
      runtime: {
        conditions: [
          { type: 'RuntimeReady', ...ready },
          { type: 'NetworkReady', ...ready },
        ],
        runtimeHandlers: [],
        features: { supplementalGroupsPolicy: false, userNamespacesHostNetwork: false },
      },
      images: [],
      pressure: { memory: false, disk: false, pid: false },
      old: [],
      nowMs: clock.nowMs(),
    });
    return { ...status, capacity, allocatable: capacity };
  }
}

const NO_FACTS: NodeFacts = {
  cpuCount: 0,
  memoryBytes: 0,
  swapBytes: 0,
  storageBytes: 0,
  machineId: '',
  systemUuid: '',
  bootId: '',
  kernelVersion: '',
  osImage: '',
  operatingSystem: 'linux',
  architecture: 'amd64',
};
