import { objectKey } from '#api/object.ts';
import { isNotFound } from '#api/status-error.ts';
import { formatTime } from '#api/time.ts';
import type { Node, Pod, PodCondition } from '#api/types/core.v1.ts';
import { NODE, POD } from '#api/types/resources.ts';
import { Counter } from '#base/metrics.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { judgeEviction } from './eviction-time.ts';

const NODE_INDEX = 'node';

/** Deletes pods from nodes whose taints they do not tolerate, or no longer. */
export class TaintEvictionController implements Controller {
  readonly name = 'taint-eviction-controller';
  readonly workers = 8;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #deletions: Counter;
  /** Pods marked for deletion: when their taints were first seen, monotonic. */
  readonly #markedMs = new Map<string, number>();
  /** UIDs of pods deleted here, by key, until the local copy shows it. */
  readonly #evicted = new Map<string, string>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('taint-eviction-controller');
    this.#nodes = deps.informers.of(NODE);
    this.#pods = deps.informers.of(POD);
    this.#pods.addIndex(NODE_INDEX, ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]));
    this.#deletions = deps.metrics.register(
      new Counter({
        name: 'taint_eviction_controller_pod_deletions_total',
        help: 'Total number of Pods deleted by TaintEvictionController since its start.',
      }),
    );
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const enqueuePodsOf = ({ metadata }: Node): void => {
      for (const pod of this.#pods.byIndex(NODE_INDEX, metadata.name)) {
        queue.add(objectKey(pod));
      }
    };
    return [
      enqueueOnChange(this.#pods, queue, (pod) => (pod.spec.nodeName === undefined ? [] : [objectKey(pod)])),
      this.#nodes.addHandler({
        onAdd: enqueuePodsOf,
        onUpdate: (previous, current) => {
          if (JSON.stringify(previous.spec.taints) !== JSON.stringify(current.spec.taints)) {
            enqueuePodsOf(current);
          }
        },
      }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const pod = this.#pods.get(key);
    const node = this.#nodes.get(pod?.spec.nodeName ?? '');
    if (pod === undefined || node === undefined || pod.metadata.deletionTimestamp !== undefined) {
      this.#markedMs.delete(key);
      this.#evicted.delete(key);
      return DONE;
    }
    if (this.#evicted.get(key) === pod.metadata.uid) {
      return DONE;
    }
    const verdict = judgeEviction(pod, node.spec.taints ?? []);
    if (verdict.kind === 'stays') {
      if (this.#markedMs.delete(key)) {
        this.#events.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
      }
      return DONE;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    const markedMs = this.#markedMs.get(key) ?? nowMs;
    this.#markedMs.set(key, markedMs);
    const leftMs = markedMs + verdict.afterMs - nowMs;
    if (leftMs > 0) {
      return againAfter(leftMs);
    }
    await this.#evict(pod, signal);
    return DONE;
  }

  async #evict(pod: Pod, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const pods = this.#deps.client.of(POD);
    this.#events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${objectKey(pod)}`);
    try {
      const conditions = [
        ...(pod.status.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget'),
        this.#disruption(),
      ];
      await pods.updateStatus({ ...pod, status: { ...pod.status, conditions } }, {}, signal);
      await pods.delete(namespace, name, { preconditions: { uid } }, signal);
      this.#deletions.inc();
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
    this.#markedMs.delete(objectKey(pod));
    this.#evicted.set(objectKey(pod), uid);
  }

  #disruption(): PodCondition {
    return {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: formatTime(this.#deps.clock.nowMs()),
    };
  }
}
