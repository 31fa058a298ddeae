import { type NewObject, objectKey } from '#api/object.ts';
import { isAlreadyExists } from '#api/status-error.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from '#api/types/apps.v1.ts';
import { DEPLOYMENT, REPLICA_SET } from '#api/types/resources.ts';
import { describeError } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { isNamespaceTerminating } from '../pods/pod-writer.ts';
import { controllerOf, controllerReference } from '../runner/controller-reference.ts';
import { type ConditionChange, findCondition, withCondition } from './deployment-conditions.ts';
import { hasProgressDeadline, isComplete, isSameDeploymentStatus } from './deployment-status.ts';
import { isSameTemplate, podTemplateHash, selectorWithHash, templateWithHash } from '../pods/pod-template.ts';
import {
  hasAnnotations,
  maxRevision,
  newestSetAnnotations,
  REVISION,
  revisionOf,
  sizeAnnotations,
} from './revisions.ts';
import { byCreation, newSetSize, type Resize } from './rolling-plan.ts';
import { replicasOf } from './rollout-bounds.ts';

export interface RolloutOptions {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** The set of this name in the local copy; asked when a name is taken. */
  readonly existingSet: (key: string) => ReplicaSet | undefined;
}

/** A limit of this size keeps every revision. */
const UNLIMITED = 2 ** 31 - 1;

/** One pass over one deployment: its state as read, kept in step with what the pass writes. */
export class Rollout {
  deployment: Deployment;
  newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  readonly #options: RolloutOptions;

  constructor(deployment: Deployment, sets: readonly ReplicaSet[], options: RolloutOptions) {
    this.deployment = deployment;
    this.#options = options;
    this.newSet = sets
      .toSorted(byCreation)
      .find((set) => isSameTemplate(set.spec.template, deployment.spec.template));
    this.oldSets = sets.filter((set) => set !== this.newSet);
  }

  get allSets(): readonly ReplicaSet[] {
    return this.newSet === undefined ? this.oldSets : [...this.oldSets, this.newSet];
  }

  /** Brings the revision and copied annotations of the new set up to date, where there is one. */
  async syncNewSet(): Promise<void> {
    const { newSet, deployment } = this;
    if (newSet === undefined) {
      return;
    }
    const { metadata, spec } = newSet;
    const annotations = newestSetAnnotations(deployment, metadata.annotations ?? {}, this.#nextRevision());
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    if (
      !hasAnnotations(metadata.annotations, annotations) ||
      (spec.minReadySeconds ?? 0) !== minReadySeconds
    ) {
      this.newSet = await this.#sets.update(
        { ...newSet, metadata: { ...metadata, annotations }, spec: { ...spec, minReadySeconds } },
        {},
        this.#options.signal,
      );
    }
    const isFound = findCondition(deployment.status.conditions, 'Progressing') !== undefined;
    const message = `Found new replica set "${metadata.name}"`;
    await this.#saveRevision(
      revisionOf(this.newSet ?? newSet),
      isFound ? undefined : progressing('FoundNewReplicaSet', message),
    );
  }

  /** Makes the new set where there is none, at the size that the strategy allows. */
  async createNewSet(): Promise<void> {
    const { deployment } = this;
    const hash = podTemplateHash(deployment.spec.template, deployment.status.collisionCount ?? 0);
    const revision = this.#nextRevision();
    const replicas = newSetSize(deployment, this.oldSets, 0);
    const name = `${deployment.metadata.name}-${hash}`;
    const isMine = await this.#create(this.#newSetObject(name, hash, replicas, revision));
    if (isMine && replicas > 0) {
      this.#sayScaled(name, 0, replicas);
    }
    const message = `Created new replica set "${name}"`;
    await this.#saveRevision(revision, isMine ? progressing('NewReplicaSetCreated', message) : undefined);
  }

  /** Writes the sizes that differ, with events; true when any did. */
  async resize(resizes: readonly Resize[]): Promise<boolean> {
    let isResized = false;
    for (const { set, replicas } of resizes) {
      const before = replicasOf(set);
      const annotations = sizeAnnotations(this.deployment);
      if (before === replicas && hasAnnotations(set.metadata.annotations, annotations)) {
        continue;
      }
      const metadata = { ...set.metadata, annotations: { ...set.metadata.annotations, ...annotations } };
      const resized = { ...set, metadata, spec: { ...set.spec, replicas } };
      await this.#sets.update(resized, {}, this.#options.signal);
      if (before !== replicas) {
        this.#sayScaled(set.metadata.name, before, replicas);
        isResized = true;
      }
    }
    return isResized;
  }

  /** Deletes the oldest revisions beyond the history limit, unless they still have pods. */
  async cleanUp(): Promise<void> {
    const limit = this.deployment.spec.revisionHistoryLimit ?? UNLIMITED;
    const alive = this.oldSets.filter((set) => set.metadata.deletionTimestamp === undefined);
    if (limit === UNLIMITED || alive.length <= limit) {
      return;
    }
    const oldest = alive.toSorted(
      (left, right) => Number(revisionOf(left) - revisionOf(right)) || byCreation(left, right),
    );
    for (const { metadata, spec, status } of oldest.slice(0, alive.length - limit)) {
      const isObserved = (metadata.generation ?? 0) <= (status.observedGeneration ?? 0);
      if (status.replicas === 0 && (spec.replicas ?? 1) === 0 && isObserved) {
        await this.#sets.delete(metadata.namespace, metadata.name, {}, this.#options.signal);
      }
    }
  }

  get isComplete(): boolean {
    return isComplete(this.deployment, this.deployment.status);
  }

  /** Writes the status where it differs. */
  async saveStatus(status: DeploymentStatus): Promise<void> {
    if (!isSameDeploymentStatus(this.deployment.status, status)) {
      await this.#writeStatus({ ...this.deployment, status });
    }
  }

  /** Sets one condition on the deployment as it is, where it differs. */
  async saveCondition(change: ConditionChange): Promise<void> {
    const { status } = this.deployment;
    await this.saveStatus({
      ...status,
      conditions: withCondition(status.conditions ?? [], change, this.#options.nowMs),
    });
  }

  get #sets() {
    return this.#options.client.of(REPLICA_SET);
  }

  #nextRevision(): bigint {
    return maxRevision(this.oldSets) + 1n;
  }

  #newSetObject(name: string, hash: string, replicas: number, revision: bigint): NewObject<ReplicaSet> {
    const { metadata, spec } = this.deployment;
    const template = templateWithHash(spec.template, hash);
    return {
      metadata: {
        name,
        namespace: metadata.namespace,
        ownerReferences: [controllerReference(this.deployment)],
        ...(template.metadata.labels === undefined ? {} : { labels: template.metadata.labels }),
        annotations: {
          ...newestSetAnnotations(this.deployment, {}, revision),
          ...sizeAnnotations(this.deployment),
        },
      },
      spec: {
        replicas,
        ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
        selector: selectorWithHash(spec.selector, hash),
        template,
      },
    };
  }

  /** True when this pass made the set; false when an earlier one had. */
  async #create(set: NewObject<ReplicaSet>): Promise<boolean> {
    try {
      this.newSet = await this.#sets.create(set, {}, this.#options.signal);
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) {
        await this.#takeExisting(set, error);
        return false;
      }
      if (!isNamespaceTerminating(error) && !this.#options.signal.aborted) {
        await this.#reportFailure(set.metadata.name ?? '', error);
      }
      throw error;
    }
  }

  /** The name is taken: by our own set that the local copy has not shown yet, or by another with the same hash. */
  async #takeExisting({ metadata }: NewObject<ReplicaSet>, error: unknown): Promise<void> {
    const { name = '', namespace = '' }: Partial<ReplicaSet['metadata']> = metadata;
    const existing = this.#options.existingSet(objectKey({ metadata: { name, namespace } }));
    if (existing === undefined) {
      throw error;
    }
    const isOurs = controllerOf(existing)?.uid === this.deployment.metadata.uid;
    if (isOurs && isSameTemplate(existing.spec.template, this.deployment.spec.template)) {
      this.newSet = existing;
      return;
    }
    const { status } = this.deployment;
    await this.#writeStatus({
      ...this.deployment,
      status: { ...status, collisionCount: (status.collisionCount ?? 0) + 1 },
    });
    throw error;
  }

  async #reportFailure(name: string, error: unknown): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${describeError(error)}`;
    const reason = 'ReplicaSetCreateError';
    if (hasProgressDeadline(this.deployment)) {
      await this.saveCondition({ type: 'Progressing', status: 'False', reason, message });
    }
    this.#options.events.event(this.deployment, 'Warning', reason, message);
  }

  async #saveRevision(revision: bigint, change: ConditionChange | undefined): Promise<void> {
    const { metadata, status } = this.deployment;
    const annotations = { ...metadata.annotations, [REVISION]: String(revision) };
    const conditions = status.conditions ?? [];
    const changed =
      change === undefined || !hasProgressDeadline(this.deployment)
        ? conditions
        : withCondition(conditions, change, this.#options.nowMs);
    if (changed !== conditions || !hasAnnotations(metadata.annotations, annotations)) {
      // The status subresource of deployments takes annotations too.
      await this.#writeStatus({
        ...this.deployment,
        metadata: { ...metadata, annotations },
        status: { ...status, conditions: changed },
      });
    }
  }

  async #writeStatus(deployment: Deployment): Promise<void> {
    this.deployment = await this.#options.client
      .of(DEPLOYMENT)
      .updateStatus(deployment, {}, this.#options.signal);
  }

  #sayScaled(name: string, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${name} from ${from} to ${to}`;
    this.#options.events.event(this.deployment, 'Normal', 'ScalingReplicaSet', message);
  }
}

function progressing(reason: string, message: string): ConditionChange {
  return { type: 'Progressing', status: 'True', reason, message };
}
