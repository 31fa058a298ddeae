import { isDeepStrictEqual } from 'node:util';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { type ApiObject, objectKey } from '#api/object.ts';
import type { Deployment, ReplicaSet, StatefulSet } from '#api/types/apps.v1.ts';
import type { Pod, ReplicationController } from '#api/types/core.v1.ts';
import type { PodDisruptionBudget } from '#api/types/policy.v1.ts';
import {
  DEPLOYMENT,
  POD,
  POD_DISRUPTION_BUDGET,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  STATEFUL_SET,
} from '#api/types/resources.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import { controllerOf } from '../runner/controller-reference.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { budgetStatus, type ExpectedScale, untilForgottenMs } from './disruption-status.ts';

interface Scaled extends ApiObject {
  readonly spec: { readonly replicas?: number };
}

/** Keeps count of how many pods of each budget may be disrupted; the eviction endpoint goes by it. */
export class DisruptionController implements Controller {
  readonly name = 'disruption';
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #deployments: Informer<Deployment>;
  readonly #statefulSets: Informer<StatefulSet>;
  readonly #replicationControllers: Informer<ReplicationController>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('controllermanager');
    this.#budgets = deps.informers.of(POD_DISRUPTION_BUDGET);
    this.#pods = deps.informers.of(POD);
    this.#replicaSets = deps.informers.of(REPLICA_SET);
    this.#deployments = deps.informers.of(DEPLOYMENT);
    this.#statefulSets = deps.informers.of(STATEFUL_SET);
    this.#replicationControllers = deps.informers.of(REPLICATION_CONTROLLER);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const budgetsOf = ({ metadata }: Pod): readonly string[] =>
      this.#budgets
        .byIndex('namespace', metadata.namespace)
        .filter(({ spec }) => labelSelectorFromObject(spec.selector).matches(metadata.labels))
        .map(objectKey);
    const budgetsIn = ({ metadata }: ApiObject): readonly string[] =>
      this.#budgets.byIndex('namespace', metadata.namespace ?? '').map(objectKey);
    return [
      enqueueOnChange(this.#budgets, queue, (budget) => [objectKey(budget)]),
      enqueueOnChange(this.#pods, queue, budgetsOf),
      // A controller that is scaled changes what is expected of its pods.
      ...[this.#deployments, this.#statefulSets, this.#replicaSets, this.#replicationControllers].map(
        (informer) =>
          (informer as Informer<Scaled>).addHandler({
            onUpdate: (previous, current) => {
              if (previous.spec.replicas !== current.spec.replicas) {
                budgetsIn(current).forEach((key) => queue.add(key));
              }
            },
          }),
      ),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const budget = this.#budgets.get(key);
    if (budget === undefined) {
      return DONE;
    }
    const selector = labelSelectorFromObject(budget.spec.selector);
    const pods = this.#pods
      .byIndex('namespace', budget.metadata.namespace)
      .filter(({ metadata }) => selector.matches(metadata.labels));
    const nowMs = this.#deps.clock.nowMs();
    const status = budgetStatus(budget, pods, () => this.#expectedScale(budget, pods), nowMs);
    if (!isDeepStrictEqual(budget.status, status)) {
      if (pods.length === 0) {
        this.#events.event(budget, 'Normal', 'NoPods', 'No matching pods found');
      }
      await this.#deps.client.of(POD_DISRUPTION_BUDGET).updateStatus({ ...budget, status }, {}, signal);
    }
    const waitMs = untilForgottenMs(status, nowMs);
    return waitMs === undefined ? DONE : againAfter(waitMs);
  }

  #expectedScale(budget: PodDisruptionBudget, pods: readonly Pod[]): ExpectedScale {
    const scales = new Map<string, number>();
    for (const pod of pods) {
      const scaled = this.#scaledOwnerOf(pod);
      if (scaled === undefined) {
        const { kind = '', name = '' } = controllerOf(pod) ?? {};
        const message =
          kind === ''
            ? `found no controllers for pod "${pod.metadata.name}"`
            : `${kind} ${name} cannot be scaled`;
        this.#events.event(
          budget,
          'Warning',
          'CalculateExpectedPodCountFailed',
          `Failed to calculate the number of expected pods: ${message}`,
        );
        return { kind: 'failed', message };
      }
      scales.set(scaled.metadata.uid, scaled.spec.replicas ?? 1);
    }
    return { kind: 'known', count: [...scales.values()].reduce((sum, count) => sum + count, 0) };
  }

  /** What decides how many pods there are: for those of a ReplicaSet, its Deployment where it has one. */
  #scaledOwnerOf(pod: Pod): Scaled | undefined {
    const reference = controllerOf(pod);
    const key = `${pod.metadata.namespace}/${reference?.name ?? ''}`;
    switch (reference?.kind) {
      case 'ReplicaSet': {
        const set = this.#replicaSets.get(key);
        const parent = set === undefined ? undefined : controllerOf(set);
        return parent?.kind === 'Deployment'
          ? this.#deployments.get(`${pod.metadata.namespace}/${parent.name}`)
          : set;
      }
      case 'StatefulSet':
        return this.#statefulSets.get(key);
      case 'ReplicationController':
        return this.#replicationControllers.get(key);
      default:
        return undefined;
    }
  }
}
