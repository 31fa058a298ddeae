import { labelSelectorFromSet, type LabelSelector } from '#api/label-selector.ts';
import { objectKey } from '#api/object.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import { describeError } from '#base/log.ts';
import type { ResourceClient } from '#client/client.ts';
import type { Informer } from '#client/lister.ts';
import { ownedPodHandler } from '../pods/owned-pod-handler.ts';
import { isPodActive, isPodTerminating, nextAvailabilityMs } from '../pods/pod-state.ts';
import { isNamespaceTerminating, podFromTemplate, PodWriter } from '../pods/pod-writer.ts';
import { claimObjects, isClaimedBy } from '../runner/adoption.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import {
  CONTROLLER_INDEX,
  controllerIndexValues,
  controllerOf,
  orphanIndexValue,
} from '../runner/controller-reference.ts';
import { Expectations } from '../runner/expectations.ts';
import { slowStart } from '../runner/slow-start.ts';
import { planReplicas, type ReplicaPlan } from './replica-plan.ts';
import { isSameReplicaStatus, replicaStatus } from './replica-status.ts';
import type { ReplicaKind, ReplicaSetLike } from './replica-kind.ts';

/** Keeps as many pods alive as the owner asks for. Serves every kind that is like a ReplicaSet. */
export class ReplicaSetController<T extends ReplicaSetLike> implements Controller {
  readonly name: string;
  readonly workers = 5;
  readonly #kind: ReplicaKind<T>;
  readonly #deps: ControllerDeps;
  readonly #owners: Informer<T>;
  readonly #client: ResourceClient<T>;
  readonly #pods: Informer<Pod>;
  readonly #writer: PodWriter;
  readonly #expectations: Expectations;

  constructor(kind: ReplicaKind<T>, deps: ControllerDeps) {
    this.name = kind.queue;
    this.#kind = kind;
    this.#deps = deps;
    this.#owners = deps.informers.of(kind.resource);
    this.#owners.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    this.#pods = deps.informers.of(POD);
    this.#pods.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    this.#client = deps.client.of(kind.resource);
    this.#writer = new PodWriter(deps.client, deps.events(kind.component));
    this.#expectations = new Expectations(deps.clock);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const podHandler = ownedPodHandler<T>({
      kind: this.#kind.resource.kind,
      queue,
      expectations: this.#expectations,
      owner: (key) => this.#owners.get(key),
      candidates: (orphan) =>
        this.#owners
          .byIndex('namespace', orphan.metadata.namespace)
          .filter((owner) => this.#kind.selectorOf(owner).matches(orphan.metadata.labels)),
      minReadySeconds: (owner) => owner.spec.minReadySeconds ?? 0,
    });
    return [
      enqueueOnChange(this.#owners, queue, (owner) => [objectKey(owner)]),
      this.#owners.addHandler({ onDelete: (owner) => this.#expectations.forget(objectKey(owner)) }),
      this.#pods.addHandler(podHandler),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const owner = this.#owners.get(key);
    if (owner === undefined) {
      this.#expectations.forget(key);
      return DONE;
    }
    const isSettled = this.#expectations.isSettled(key);
    const selector = this.#kind.selectorOf(owner);
    const activePods = await this.#claim(owner, selector, signal);
    const replicasWanted = owner.spec.replicas ?? 1;
    let failure: { readonly error: unknown } | undefined;
    if (isSettled && owner.metadata.deletionTimestamp === undefined) {
      const related = (): readonly Pod[] => this.#relatedPods(owner);
      const plan = planReplicas(activePods, replicasWanted, related, this.#deps.clock.nowMs());
      failure = await this.#execute(owner, plan, signal);
    }
    const saved = await this.#saveStatus(owner, selector, activePods, failure?.error, signal);
    if (failure !== undefined) {
      throw failure.error;
    }
    return this.#untilAvailable(saved, activePods);
  }

  async #claim(owner: T, selector: LabelSelector, signal: AbortSignal): Promise<readonly Pod[]> {
    const { namespace = '', uid, name } = owner.metadata;
    return await claimObjects({
      owner,
      selector,
      objects: [
        ...this.#pods.byIndex(CONTROLLER_INDEX, uid),
        ...this.#pods.byIndex(CONTROLLER_INDEX, orphanIndexValue(namespace)),
      ].filter(isPodActive),
      client: this.#deps.client.of(POD),
      freshOwner: () => this.#client.get(namespace, name, signal),
      signal,
    });
  }

  /** The active pods of all sets that have the same controller as this one, as those of one Deployment. */
  #relatedPods(owner: T): readonly Pod[] {
    const parent = controllerOf(owner);
    const siblings = parent === undefined ? [owner] : this.#owners.byIndex(CONTROLLER_INDEX, parent.uid);
    return siblings
      .flatMap(({ metadata }) => this.#pods.byIndex(CONTROLLER_INDEX, metadata.uid))
      .filter(isPodActive);
  }

  /** Carries out the plan; what failed comes back, with what did not happen no longer expected. */
  async #execute(
    owner: T,
    { createCount, remove }: ReplicaPlan,
    signal: AbortSignal,
  ): Promise<{ readonly error: unknown } | undefined> {
    const key = objectKey(owner);
    const { template } = owner.spec;
    if (createCount > 0 && template !== undefined) {
      this.#expectations.expectCreations(key, createCount);
      const { succeeded, error } = await slowStart(createCount, async () => {
        await this.#writer.create(owner, podFromTemplate(owner, template), signal);
      });
      this.#expectations.creationObserved(key, createCount - succeeded);
      return error === undefined || isNamespaceTerminating(error) ? undefined : { error };
    }
    this.#expectations.expectDeletions(key, remove.map(objectKey));
    const outcomes = await Promise.allSettled(remove.map((pod) => this.#remove(owner, pod, signal)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    return failed === undefined ? undefined : { error: failed.reason };
  }

  async #remove(owner: T, pod: Pod, signal: AbortSignal): Promise<void> {
    let isDeleting = false;
    try {
      isDeleting = await this.#writer.delete(owner, pod, signal);
    } finally {
      if (!isDeleting) {
        this.#expectations.deletionObserved(objectKey(owner), objectKey(pod));
      }
    }
  }

  async #saveStatus(
    owner: T,
    selector: LabelSelector,
    activePods: readonly Pod[],
    error: unknown,
    signal: AbortSignal,
  ): Promise<T> {
    const terminating = this.#pods
      .byIndex(CONTROLLER_INDEX, owner.metadata.uid)
      .filter((pod) => isPodTerminating(pod) && isClaimedBy(owner, selector)(pod));
    const status = replicaStatus({
      previous: owner.status,
      generation: owner.metadata.generation ?? 0,
      replicasWanted: owner.spec.replicas ?? 1,
      minReadySeconds: owner.spec.minReadySeconds ?? 0,
      templateLabels: labelSelectorFromSet(owner.spec.template?.metadata.labels),
      activePods,
      terminatingCount: this.#kind.countsTerminating ? terminating.length : undefined,
      failure: error === undefined ? undefined : describeError(error),
      nowMs: this.#deps.clock.nowMs(),
    });
    return isSameReplicaStatus(owner.status, status)
      ? owner
      : await this.#client.updateStatus({ ...owner, status }, {}, signal);
  }

  #untilAvailable({ spec, status }: T, activePods: readonly Pod[]): ReconcileResult {
    const minReadySeconds = spec.minReadySeconds ?? 0;
    if (minReadySeconds === 0 || status.readyReplicas === status.availableReplicas) {
      return DONE;
    }
    const waitMs = nextAvailabilityMs(activePods, minReadySeconds, this.#deps.clock.nowMs());
    return waitMs === undefined ? DONE : againAfter(waitMs);
  }
}
