import { isDeepStrictEqual } from 'node:util';
import { isNotFound } from '#api/status-error.ts';
import { formatTime } from '#api/time.ts';
import type { Lease } from '#api/types/coordination.v1.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { LEASE, NODE, POD } from '#api/types/resources.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import { isPodReady } from '../pods/pod-state.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { EvictionPace } from './eviction-pace.ts';
import {
  evictionTaint,
  heartbeatOf,
  isNodeReady,
  nodeCondition,
  silentConditions,
  taintsFor,
} from './node-health.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
/** A kubelet that says nothing for so long is taken for lost. */
const GRACE_MS = 50_000;
/** A new node may take longer until its first word. */
const STARTUP_GRACE_MS = 60_000;
const NODE_INDEX = 'node';

/**
 * Notices kubelets that fell silent, marks their nodes, and taints nodes so that pods go where they can run.
 * Nothing is asked regularly: a node is looked at when it changes and when its time would be up.
 */
export class NodeLifecycleController implements Controller {
  readonly name = 'node_lifecycle_controller';
  readonly workers = 8;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #pace: EvictionPace;
  /** When each node last gave a sign of life, by this process's own clock. */
  readonly #aliveMs = new Map<string, number>();
  /** Whether each node was ready when last looked at. */
  readonly #wasReady = new Map<string, boolean>();
  readonly #ready = new Set<string>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('node-controller');
    this.#nodes = deps.informers.of(NODE);
    this.#leases = deps.informers.of(LEASE, { namespace: LEASE_NAMESPACE });
    this.#pods = deps.informers.of(POD);
    this.#pods.addIndex(NODE_INDEX, ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]));
    this.#pace = new EvictionPace(deps.clock);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const isAlive = (name: string): void => void this.#aliveMs.set(name, this.#deps.clock.monotonicMs());
    return [
      this.#leases.addHandler({
        onAdd: ({ metadata }) => isAlive(metadata.name),
        onUpdate: (previous, { metadata, spec }) => {
          if (previous.spec.renewTime !== spec.renewTime) {
            isAlive(metadata.name);
          }
        },
      }),
      this.#nodes.addHandler({
        onAdd: (node) => {
          isAlive(node.metadata.name);
          this.#trackReady(node, queue);
          this.#say(node, 'RegisteredNode', `event: Registered Node ${node.metadata.name} in Controller`);
        },
        onUpdate: (previous, current) => {
          if (heartbeatOf(previous) !== heartbeatOf(current)) {
            isAlive(current.metadata.name);
          }
          this.#trackReady(current, queue);
        },
        onDelete: (node) => {
          this.#aliveMs.delete(node.metadata.name);
          this.#wasReady.delete(node.metadata.name);
          this.#ready.delete(node.metadata.name);
          this.#say(node, 'RemovingNode', `event: Removing Node ${node.metadata.name} from Controller`);
        },
      }),
      enqueueOnChange(this.#nodes, queue, ({ metadata }) => [metadata.name]),
    ];
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const node = this.#nodes.get(name);
    if (node === undefined) {
      return DONE;
    }
    const leftMs = this.#graceLeftMs(node);
    const current = leftMs > 0 ? node : await this.#markSilent(node, signal);
    await this.#followReadiness(current, signal);
    const waitMs = await this.#taint(current, signal);
    return againAfter(Math.min(leftMs > 0 ? leftMs : GRACE_MS, waitMs ?? GRACE_MS));
  }

  #graceLeftMs(node: Node): number {
    const { name } = node.metadata;
    const graceMs = nodeCondition(node, 'Ready') === undefined ? STARTUP_GRACE_MS : GRACE_MS;
    const nowMs = this.#deps.clock.monotonicMs();
    return (this.#aliveMs.get(name) ?? nowMs) + graceMs - nowMs;
  }

  async #markSilent(node: Node, signal: AbortSignal): Promise<Node> {
    const conditions = silentConditions(node, this.#deps.clock.nowMs());
    if (conditions === undefined) {
      return node;
    }
    return await this.#deps.client
      .of(NODE)
      .updateStatus({ ...node, status: { ...node.status, conditions } }, {}, signal);
  }

  /** The pods of a node that is ready no more are not ready either; their kubelet may not be able to say so. */
  async #followReadiness(node: Node, signal: AbortSignal): Promise<void> {
    const { name } = node.metadata;
    const isReady = isNodeReady(node);
    const wasReady = this.#wasReady.get(name);
    if (wasReady === true && !isReady) {
      this.#say(node, 'NodeNotReady', 'status is now: NodeNotReady');
    }
    if (wasReady !== false && !isReady) {
      for (const pod of this.#pods.byIndex(NODE_INDEX, name).filter(isPodReady)) {
        await this.#markPodNotReady(pod, signal);
      }
    }
    this.#wasReady.set(name, isReady);
  }

  async #markPodNotReady(pod: Pod, signal: AbortSignal): Promise<void> {
    const lastTransitionTime = formatTime(this.#deps.clock.nowMs());
    const conditions = (pod.status.conditions ?? []).map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime } : condition,
    );
    try {
      await this.#deps.client
        .of(POD)
        .updateStatus({ ...pod, status: { ...pod.status, conditions } }, {}, signal);
      this.#events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  /** Writes the taints that differ; returns after how long to look again when it is not yet this node's turn. */
  async #taint(node: Node, signal: AbortSignal): Promise<number | undefined> {
    const key = evictionTaint(node);
    const { taints = [] } = node.spec;
    const isEvicting = taints.some((taint) => taint.key === key && taint.effect === 'NoExecute');
    let waitMs: number | undefined;
    let mayEvict = isEvicting;
    if (this.#ready.size === 0) {
      // No node at all is well, so there is nowhere to go: pods stay where they are.
      mayEvict = false;
    } else if (key !== undefined && !isEvicting) {
      waitMs = this.#pace.waitMs(node, this.#nodes.list());
      mayEvict = waitMs === 0;
    }
    const wanted = taintsFor(node, mayEvict, this.#deps.clock.nowMs());
    if (!isDeepStrictEqual(taints, wanted)) {
      const { name, resourceVersion } = node.metadata;
      const patch = { metadata: { resourceVersion }, spec: { taints: wanted } };
      await this.#deps.client.of(NODE).patch('', name, patch, { type: 'merge' }, signal);
    }
    return waitMs === 0 ? undefined : waitMs;
  }

  /** When the first node becomes ready, or the last one stops being, every node is judged anew. */
  #trackReady(node: Node, queue: KeyQueue): void {
    const before = this.#ready.size;
    if (isNodeReady(node)) {
      this.#ready.add(node.metadata.name);
    } else {
      this.#ready.delete(node.metadata.name);
    }
    if ((before === 0) !== (this.#ready.size === 0)) {
      for (const { metadata } of this.#nodes.list()) {
        queue.add(metadata.name);
      }
    }
  }

  #say(node: Node, reason: string, what: string): void {
    this.#events.event(node, 'Normal', reason, `Node ${node.metadata.name} ${what}`);
  }
}
