import { isDeepStrictEqual } from 'node:util';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { objectKey } from '#api/object.ts';
import type { ControllerRevision, DaemonSet } from '#api/types/apps.v1.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { CONTROLLER_REVISION, DAEMON_SET, NODE, POD } from '#api/types/resources.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import { syncHistory, trimHistory } from '../history/controller-history.ts';
import { ownedPodHandler } from '../pods/owned-pod-handler.ts';
import { nextAvailabilityMs } from '../pods/pod-state.ts';
import { isNamespaceTerminating, PodWriter } from '../pods/pod-writer.ts';
import { claimObjects } from '../runner/adoption.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { CONTROLLER_INDEX, controllerIndexValues, orphanIndexValue } from '../runner/controller-reference.ts';
import { Expectations } from '../runner/expectations.ts';
import { slowStart } from '../runner/slow-start.ts';
import { daemonPod, REVISION_HASH } from './daemon-pod.ts';
import { type DaemonPlan, planDaemons } from './daemon-plan.ts';

/** A pod that ends by itself is replaced after a delay that doubles from the one to the other. */
const ENDED_MS = 1_000;
const ENDED_MS_MAX = 900_000;
const CREATIONS_MAX = 250;

/** Keeps one pod of a daemon set on every node that is one for it. */
export class DaemonSetController implements Controller {
  readonly name = 'daemonset';
  readonly workers = 2;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #sets: Informer<DaemonSet>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #writer: PodWriter;
  readonly #expectations: Expectations;
  /** Pods that ended, by set and node: how many in a row, and from when on the next may go. */
  readonly #endings = new Map<string, { readonly count: number; readonly freeMs: number }>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('daemonset-controller');
    this.#sets = deps.informers.of(DAEMON_SET);
    this.#pods = deps.informers.of(POD);
    this.#pods.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    this.#nodes = deps.informers.of(NODE);
    this.#revisions = deps.informers.of(CONTROLLER_REVISION);
    this.#revisions.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    this.#writer = new PodWriter(deps.client, this.#events);
    this.#expectations = new Expectations(deps.clock);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const enqueueAll = (): void => this.#sets.list().forEach((set) => queue.add(objectKey(set)));
    return [
      enqueueOnChange(this.#sets, queue, (set) => [objectKey(set)]),
      this.#sets.addHandler({ onDelete: (set) => this.#expectations.forget(objectKey(set)) }),
      this.#pods.addHandler(
        ownedPodHandler<DaemonSet>({
          kind: 'DaemonSet',
          queue,
          expectations: this.#expectations,
          owner: (key) => this.#sets.get(key),
          candidates: (orphan) =>
            this.#sets
              .byIndex('namespace', orphan.metadata.namespace)
              .filter(({ spec }) => labelSelectorFromObject(spec.selector).matches(orphan.metadata.labels)),
          minReadySeconds: ({ spec }) => spec.minReadySeconds ?? 0,
        }),
      ),
      this.#nodes.addHandler({
        onAdd: enqueueAll,
        onDelete: enqueueAll,
        onUpdate: (previous, current) => {
          // A heartbeat changes nothing about where daemons belong.
          const isSame =
            isDeepStrictEqual(previous.metadata.labels, current.metadata.labels) &&
            isDeepStrictEqual(previous.spec.taints, current.spec.taints);
          if (!isSame) {
            enqueueAll();
          }
        },
      }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const set = this.#sets.get(key);
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) {
      return DONE;
    }
    if (labelSelectorFromObject(set.spec.selector).isEmpty) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      this.#events.event(set, 'Warning', 'SelectingAll', message);
      return DONE;
    }
    const historyOptions = {
      client: this.#deps.client,
      owner: set,
      revisions: this.#revisions.byIndex(CONTROLLER_INDEX, set.metadata.uid),
      hashLabel: REVISION_HASH,
      signal,
    };
    const history = await syncHistory(historyOptions);
    if (history.kind === 'collision') {
      const collisionCount = (set.status.collisionCount ?? 0) + 1;
      await this.#deps.client
        .of(DAEMON_SET)
        .updateStatus({ ...set, status: { ...set.status, collisionCount } }, {}, signal);
      return DONE;
    }
    const hash = history.current.metadata.labels?.[REVISION_HASH] ?? '';
    const pods = await this.#claim(set, signal);
    const nowMs = this.#deps.clock.nowMs();
    const plan = planDaemons({ set, nodes: this.#nodes.list(), pods, hash, nowMs });
    const waitMs = this.#expectations.isSettled(key)
      ? await this.#carryOut(set, plan, hash, signal)
      : undefined;
    await this.#saveStatus(set, plan, signal);
    const used = new Set(pods.map(({ metadata }) => metadata.labels?.[REVISION_HASH]));
    await trimHistory(historyOptions, history.old, ({ metadata }) =>
      used.has(metadata.labels?.[REVISION_HASH]),
    );
    const availableMs = nextAvailabilityMs(pods, set.spec.minReadySeconds ?? 0, nowMs);
    const againMs = Math.min(waitMs ?? Infinity, availableMs ?? Infinity);
    return againMs === Infinity ? DONE : againAfter(againMs);
  }

  /** Returns how long until a pod that ended may be replaced, when one has to wait. */
  async #carryOut(
    set: DaemonSet,
    plan: DaemonPlan,
    hash: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const key = objectKey(set);
    const create = plan.create.slice(0, CREATIONS_MAX);
    const { remove, waitMs } = this.#withoutWaiting(set, plan);
    this.#expectations.expectCreations(key, create.length);
    this.#expectations.expectDeletions(key, remove.map(objectKey));
    const { succeeded, error } = await slowStart(create.length, async (index) => {
      await this.#writer.create(set, daemonPod(set, create[index] ?? '', hash), signal);
    });
    this.#expectations.creationObserved(key, create.length - succeeded);
    for (const pod of remove) {
      await this.#remove(set, pod, signal);
    }
    if (error !== undefined && !isNamespaceTerminating(error)) {
      throw error;
    }
    return waitMs;
  }

  /** Pods that keep ending go only when their back-off is over. */
  #withoutWaiting(
    set: DaemonSet,
    { remove, ended }: DaemonPlan,
  ): { readonly remove: readonly Pod[]; readonly waitMs: number | undefined } {
    const nowMs = this.#deps.clock.monotonicMs();
    const waiting = new Set<Pod>();
    let waitMs: number | undefined;
    for (const { pod, nodeName } of ended) {
      const key = `${set.metadata.uid}/${nodeName}`;
      const ending = this.#endings.get(key);
      if (ending !== undefined && ending.freeMs > nowMs) {
        waiting.add(pod);
        waitMs = Math.min(waitMs ?? Infinity, ending.freeMs - nowMs);
        continue;
      }
      // Quiet for twice the longest delay ends the history.
      const isFresh = ending === undefined || nowMs - ending.freeMs > 2 * ENDED_MS_MAX;
      const count = isFresh ? 1 : ending.count + 1;
      this.#endings.set(key, { count, freeMs: nowMs + Math.min(ENDED_MS * 2 ** (count - 1), ENDED_MS_MAX) });
      const { namespace, name } = pod.metadata;
      const hasFailed = pod.status.phase === 'Failed';
      const message = `Found ${hasFailed ? 'failed' : 'succeeded'} daemon pod ${namespace}/${name} on node ${nodeName}, will try to ${hasFailed ? 'kill' : 'delete'} it`;
      this.#events.event(
        set,
        hasFailed ? 'Warning' : 'Normal',
        hasFailed ? 'FailedDaemonPod' : 'SucceededDaemonPod',
        message,
      );
    }
    return { remove: remove.filter((pod) => !waiting.has(pod)), waitMs };
  }

  async #remove(set: DaemonSet, pod: Pod, signal: AbortSignal): Promise<void> {
    let isDeleting = false;
    try {
      isDeleting = await this.#writer.delete(set, pod, signal);
    } finally {
      if (!isDeleting) {
        this.#expectations.deletionObserved(objectKey(set), objectKey(pod));
      }
    }
  }

  async #saveStatus(set: DaemonSet, { status }: DaemonPlan, signal: AbortSignal): Promise<void> {
    if (!isDeepStrictEqual({ ...EMPTY_COUNTS, ...set.status }, { ...EMPTY_COUNTS, ...status })) {
      await this.#deps.client.of(DAEMON_SET).updateStatus({ ...set, status }, {}, signal);
    }
  }

  async #claim(set: DaemonSet, signal: AbortSignal): Promise<readonly Pod[]> {
    const { namespace, name, uid } = set.metadata;
    return await claimObjects({
      owner: set,
      selector: labelSelectorFromObject(set.spec.selector),
      objects: [
        ...this.#pods.byIndex(CONTROLLER_INDEX, uid),
        ...this.#pods.byIndex(CONTROLLER_INDEX, orphanIndexValue(namespace)),
      ],
      client: this.#deps.client.of(POD),
      freshOwner: () => this.#deps.client.of(DAEMON_SET).get(namespace, name, signal),
      signal,
    });
  }
}

/** Counts that the server leaves out when they are zero. */
const EMPTY_COUNTS = {
  updatedNumberScheduled: 0,
  numberAvailable: 0,
  numberUnavailable: 0,
  observedGeneration: 0,
};
