import { labelSelectorFromObject } from '#api/label-selector.ts';
import { objectKey } from '#api/object.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from '#api/types/apps.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { DEPLOYMENT, POD, REPLICA_SET } from '#api/types/resources.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import { isPodTerminal } from '../pods/pod-state.ts';
import { claimObjects } from '../runner/adoption.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  CONTROLLER_INDEX,
  controllerIndexValues,
  controllerOf,
  orphanIndexValue,
} from '../runner/controller-reference.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { findCondition } from './deployment-conditions.ts';
import {
  deadlineInMs,
  deploymentStatus,
  hasProgressDeadline,
  REASON_TIMED_OUT,
  rolloutStatus,
} from './deployment-status.ts';
import { planScaling } from './proportional-plan.ts';
import { desiredReplicasOf } from './revisions.ts';
import { newSetSize, shrinkOldSets } from './rolling-plan.ts';
import { replicasOf } from './rollout-bounds.ts';
import { Rollout } from './rollout.ts';

/** Moves a deployment's pods to its newest template, through one ReplicaSet for each template. */
export class DeploymentController implements Controller {
  readonly name = 'deployment';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #deployments: Informer<Deployment>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('deployment-controller');
    this.#deployments = deps.informers.of(DEPLOYMENT);
    this.#sets = deps.informers.of(REPLICA_SET);
    this.#sets.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    this.#pods = deps.informers.of(POD);
    this.#pods.addIndex(CONTROLLER_INDEX, controllerIndexValues);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#deployments, queue, (deployment) => [objectKey(deployment)]),
      enqueueOnChange(this.#sets, queue, (set) => this.#deploymentsOf(set)),
      // Recreate waits until the last old pod is gone.
      this.#pods.addHandler({
        onDelete: (pod) => {
          const deployment = this.#recreateDeploymentOf(pod);
          if (deployment !== undefined) {
            queue.add(objectKey(deployment));
          }
        },
      }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const deployment = this.#deployments.get(key);
    if (deployment === undefined) {
      return DONE;
    }
    const selector = labelSelectorFromObject(deployment.spec.selector);
    if (selector.isEmpty) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      this.#events.event(deployment, 'Warning', 'SelectingAll', message);
      return DONE;
    }
    const rollout = await this.#begin(deployment, signal);
    const nowMs = this.#deps.clock.nowMs();
    if (deployment.metadata.deletionTimestamp !== undefined) {
      await rollout.syncNewSet();
      await rollout.saveStatus(deploymentStatus(rollout.deployment, rollout.newSet, rollout.allSets, nowMs));
      return DONE;
    }
    await this.#markPause(rollout);
    if (deployment.spec.paused === true || isScaled(rollout)) {
      await this.#scale(rollout);
      await rollout.saveStatus(deploymentStatus(rollout.deployment, rollout.newSet, rollout.allSets, nowMs));
      return DONE;
    }
    if (deployment.spec.strategy.type === 'Recreate') {
      await this.#recreate(rollout);
    } else {
      await this.#roll(rollout);
    }
    return await this.#saveProgress(rollout);
  }

  async #begin(deployment: Deployment, signal: AbortSignal): Promise<Rollout> {
    const { client, clock } = this.#deps;
    const { namespace, name, uid } = deployment.metadata;
    const sets = await claimObjects({
      owner: deployment,
      selector: labelSelectorFromObject(deployment.spec.selector),
      objects: [
        ...this.#sets.byIndex(CONTROLLER_INDEX, uid),
        ...this.#sets.byIndex(CONTROLLER_INDEX, orphanIndexValue(namespace)),
      ],
      client: client.of(REPLICA_SET),
      freshOwner: () => client.of(DEPLOYMENT).get(namespace, name, signal),
      signal,
    });
    return new Rollout(deployment, sets, {
      client,
      events: this.#events,
      nowMs: clock.nowMs(),
      signal,
      existingSet: (key) => this.#sets.get(key),
    });
  }

  /** While paused, time does not run against the progress deadline. */
  async #markPause(rollout: Rollout): Promise<void> {
    const { spec, status } = rollout.deployment;
    const condition = findCondition(status.conditions, 'Progressing');
    if (!hasProgressDeadline(rollout.deployment) || condition?.reason === REASON_TIMED_OUT) {
      return;
    }
    const isMarked = condition?.reason === 'DeploymentPaused';
    const change = { type: 'Progressing', status: 'Unknown' } as const;
    if (spec.paused === true && !isMarked) {
      await rollout.saveCondition({ ...change, reason: 'DeploymentPaused', message: 'Deployment is paused' });
    } else if (spec.paused !== true && isMarked) {
      await rollout.saveCondition({
        ...change,
        reason: 'DeploymentResumed',
        message: 'Deployment is resumed',
      });
    }
  }

  async #scale(rollout: Rollout): Promise<void> {
    await rollout.syncNewSet();
    await rollout.resize(planScaling(rollout.deployment, rollout.newSet, rollout.oldSets));
    if (rollout.deployment.spec.paused === true) {
      await rollout.cleanUp();
    }
  }

  async #roll(rollout: Rollout): Promise<void> {
    if (rollout.newSet === undefined) {
      await rollout.createNewSet();
    } else {
      await rollout.syncNewSet();
    }
    const { newSet, deployment, oldSets, allSets } = rollout;
    if (newSet === undefined) {
      return;
    }
    const replicas = newSetSize(deployment, allSets, replicasOf(newSet));
    const isResized =
      (await rollout.resize([{ set: newSet, replicas }])) ||
      (await rollout.resize(shrinkOldSets(deployment, newSet, oldSets)));
    if (!isResized && rollout.isComplete) {
      await rollout.cleanUp();
    }
  }

  async #recreate(rollout: Rollout): Promise<void> {
    await rollout.syncNewSet();
    const active = rollout.oldSets.filter((set) => replicasOf(set) > 0);
    if (await rollout.resize(active.map((set) => ({ set, replicas: 0 })))) {
      return;
    }
    if (this.#hasOldPods(rollout)) {
      return;
    }
    if (rollout.newSet === undefined) {
      await rollout.createNewSet();
    }
    const { newSet, deployment } = rollout;
    if (newSet !== undefined) {
      await rollout.resize([{ set: newSet, replicas: replicasOf(deployment) }]);
    }
    if (rollout.isComplete) {
      await rollout.cleanUp();
    }
  }

  /** Pods of old sets that may still run, also those that are on their way out. */
  #hasOldPods({ oldSets }: Rollout): boolean {
    return oldSets.some(
      (set) =>
        set.status.replicas > 0 ||
        this.#pods.byIndex(CONTROLLER_INDEX, set.metadata.uid).some((pod) => !isPodTerminal(pod)),
    );
  }

  async #saveProgress(rollout: Rollout): Promise<ReconcileResult> {
    const nowMs = this.#deps.clock.nowMs();
    const status: DeploymentStatus = rolloutStatus(
      rollout.deployment,
      rollout.newSet,
      rollout.allSets,
      nowMs,
    );
    await rollout.saveStatus(status);
    const waitMs = deadlineInMs(rollout.deployment, status, nowMs);
    return waitMs === undefined ? DONE : againAfter(waitMs);
  }

  #deploymentsOf(set: ReplicaSet): readonly string[] {
    const reference = controllerOf(set);
    const { namespace, labels } = set.metadata;
    if (reference !== undefined) {
      return reference.kind === 'Deployment' ? [`${namespace}/${reference.name}`] : [];
    }
    return this.#deployments
      .byIndex('namespace', namespace)
      .filter(({ spec }) => labelSelectorFromObject(spec.selector).matches(labels))
      .map(objectKey);
  }

  #recreateDeploymentOf(pod: Pod): Deployment | undefined {
    const set = this.#sets.get(`${pod.metadata.namespace}/${controllerOf(pod)?.name ?? ''}`);
    const reference = set === undefined ? undefined : controllerOf(set);
    const deployment = this.#deployments.get(`${pod.metadata.namespace}/${reference?.name ?? ''}`);
    return deployment?.spec.strategy.type === 'Recreate' ? deployment : undefined;
  }
}

/** The deployment's own size changed since its active sets were last sized. */
function isScaled({ deployment, allSets }: Rollout): boolean {
  return allSets
    .filter((set) => replicasOf(set) > 0)
    .some((set) => (desiredReplicasOf(set) ?? replicasOf(deployment)) !== replicasOf(deployment));
}
