import { isNotFound } from '#api/status-error.ts';
import { formatTime } from '#api/time.ts';
import type { Node, Pod, PodCondition } from '#api/types/core.v1.ts';
import { NODE, POD } from '#api/types/resources.ts';
import { Counter } from '#base/metrics.ts';
import type { Informer } from '#client/lister.ts';
import { isPodTerminal } from '../pods/pod-state.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import { againAfter, type Controller, type KeyQueue, type ReconcileResult } from '../runner/controller.ts';
import { type Doomed, orphanedPods, planPodGc } from './pod-gc-plan.ts';

const PERIOD_MS = 20_000;
/** A node must have been missing this long before its pods go: it may only be registering anew. */
const QUARANTINE_MS = 40_000;
const ALL = 'all';

/** Removes pods that no kubelet will: of nodes that are gone, never scheduled, or finished and too many. */
export class PodGcController implements Controller {
  readonly name = 'podgc';
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #deletions: Counter;
  /** Since when nodes that pods are bound to have been missing. */
  #missingSinceMs: ReadonlyMap<string, number> = new Map();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#pods = deps.informers.of(POD);
    this.#nodes = deps.informers.of(NODE);
    this.#deletions = deps.metrics.register(
      new Counter({
        name: 'pod_gc_collector_force_delete_pods_total',
        help: 'Number of pods that are being forcefully deleted since the Pod GC Controller started.',
        labels: ['namespace', 'reason'],
      }),
    );
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    queue.add(ALL);
    return [];
  }

  async reconcile(_: string, signal: AbortSignal): Promise<ReconcileResult> {
    const pods = this.#pods.list();
    const nodes = new Map(this.#nodes.list().map((node) => [node.metadata.name, node]));
    for (const doomed of planPodGc(pods, nodes)) {
      await this.#delete(doomed, signal);
    }
    await this.#deleteOrphans(orphanedPods(pods, nodes), signal);
    return againAfter(PERIOD_MS);
  }

  async #deleteOrphans(orphans: readonly Pod[], signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    const missing = new Set(orphans.map(({ spec }) => spec.nodeName ?? ''));
    this.#missingSinceMs = new Map(
      [...missing].map((name) => [name, this.#missingSinceMs.get(name) ?? nowMs]),
    );
    const gone = new Set<string>();
    for (const [name, sinceMs] of this.#missingSinceMs) {
      if (nowMs - sinceMs >= QUARANTINE_MS && (await this.#isGone(name, signal))) {
        gone.add(name);
      }
    }
    for (const pod of orphans.filter(({ spec }) => gone.has(spec.nodeName ?? ''))) {
      await this.#delete({ pod, why: 'orphaned' }, signal);
    }
  }

  async #isGone(nodeName: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#deps.client.of(NODE).get('', nodeName, signal);
      return false;
    } catch (error) {
      if (isNotFound(error)) {
        return true;
      }
      throw error;
    }
  }

  async #delete({ pod, why }: Doomed, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const pods = this.#deps.client.of(POD);
    try {
      if (!isPodTerminal(pod)) {
        const disruption = why === 'orphaned' ? [this.#disruption('PodGC: node no longer exists')] : [];
        const conditions = [...(pod.status.conditions ?? []), ...disruption];
        const status = { ...pod.status, phase: 'Failed', conditions } as const;
        await pods.updateStatus({ ...pod, status }, {}, signal);
      }
      await pods.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } }, signal);
      this.#deletions.inc([namespace, why]);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  #disruption(message: string): PodCondition {
    const lastTransitionTime = formatTime(this.#deps.clock.nowMs());
    return {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByPodGC',
      message,
      lastTransitionTime,
    };
  }
}
