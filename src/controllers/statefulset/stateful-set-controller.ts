import { isDeepStrictEqual } from 'node:util';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { objectKey } from '#api/object.ts';
import { isAlreadyExists, isNotFound } from '#api/status-error.ts';
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '#api/types/apps.v1.ts';
import type { PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import { CONTROLLER_REVISION, PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET } from '#api/types/resources.ts';
import { describeError } from '#base/log.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import { syncHistory, trimHistory } from '../history/controller-history.ts';
import { ownedPodHandler } from '../pods/owned-pod-handler.ts';
import { nextAvailabilityMs } from '../pods/pod-state.ts';
import { isNamespaceTerminating } from '../pods/pod-writer.ts';
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
import { type StatefulPlan, planStatefulSet } from './stateful-plan.ts';
import { claimsOf, REVISION_LABEL, statefulPod, templateOf } from './stateful-pod.ts';

const HASH_LABEL = 'controller.kubernetes.io/hash';

/** Keeps pods with names that last, each with its own storage, made and replaced in order. */
export class StatefulSetController implements Controller {
  readonly name = 'statefulset';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #events: EventRecorder;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #revisions: Informer<ControllerRevision>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#events = deps.events('statefulset-controller');
    this.#sets = deps.informers.of(STATEFUL_SET);
    this.#pods = deps.informers.of(POD);
    this.#pods.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    this.#claims = deps.informers.of(PERSISTENT_VOLUME_CLAIM);
    this.#revisions = deps.informers.of(CONTROLLER_REVISION);
    this.#revisions.addIndex(CONTROLLER_INDEX, controllerIndexValues);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#sets, queue, (set) => [objectKey(set)]),
      this.#pods.addHandler(
        ownedPodHandler<StatefulSet>({
          kind: 'StatefulSet',
          queue,
          // Names are fixed, so making one twice is refused and nothing has to be expected.
          expectations: new Expectations(this.#deps.clock),
          owner: (key) => this.#sets.get(key),
          candidates: (orphan) =>
            this.#sets
              .byIndex('namespace', orphan.metadata.namespace)
              .filter(({ spec }) => labelSelectorFromObject(spec.selector).matches(orphan.metadata.labels)),
          minReadySeconds: ({ spec }) => spec.minReadySeconds ?? 0,
        }),
      ),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const set = this.#sets.get(key);
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) {
      return DONE;
    }
    const revisions = this.#revisions.byIndex(CONTROLLER_INDEX, set.metadata.uid);
    const historyOptions = {
      client: this.#deps.client,
      owner: set,
      revisions,
      hashLabel: HASH_LABEL,
      signal,
    };
    const history = await syncHistory(historyOptions);
    if (history.kind === 'collision') {
      const collisionCount = (set.status.collisionCount ?? 0) + 1;
      await this.#saveStatus(set, { ...set.status, collisionCount }, signal);
      return DONE;
    }
    const target = history.current;
    const base = history.old.find(({ metadata }) => metadata.name === set.status.currentRevision) ?? target;
    const pods = await this.#claim(set, signal);
    const nowMs = this.#deps.clock.nowMs();
    const plan = planStatefulSet({
      set,
      pods,
      currentRevision: base.metadata.name,
      updateRevision: target.metadata.name,
      nowMs,
    });
    try {
      await this.#carryOut(set, plan, { base, target }, signal);
    } finally {
      if (!signal.aborted) {
        await this.#saveStatus(set, plan.status, signal);
      }
    }
    const used = new Set([
      base.metadata.name,
      target.metadata.name,
      ...pods.map(({ metadata }) => metadata.labels?.[REVISION_LABEL]),
    ]);
    await trimHistory(historyOptions, history.old, ({ metadata }) => used.has(metadata.name));
    const waitMs = nextAvailabilityMs(pods, set.spec.minReadySeconds ?? 0, nowMs);
    return waitMs === undefined ? DONE : againAfter(waitMs);
  }

  async #carryOut(
    set: StatefulSet,
    { create, remove }: StatefulPlan,
    { base, target }: { readonly base: ControllerRevision; readonly target: ControllerRevision },
    signal: AbortSignal,
  ): Promise<void> {
    await Promise.all(
      create.map(async ({ ordinal, isUpdated }) => {
        const revision = isUpdated ? target : base;
        await this.#createClaims(set, ordinal, signal);
        await this.#createPod(set, ordinal, revision, signal);
      }),
    );
    await Promise.all(remove.map((pod) => this.#delete(set, pod, signal)));
  }

  async #createClaims(set: StatefulSet, ordinal: number, signal: AbortSignal): Promise<void> {
    for (const claim of claimsOf(set, ordinal)) {
      const name = claim.metadata.name ?? '';
      if (this.#claims.get(`${set.metadata.namespace}/${name}`) !== undefined) {
        continue;
      }
      const what = `Claim ${name} Pod ${set.metadata.name}-${ordinal} in StatefulSet ${set.metadata.name}`;
      await this.#tellOutcome(set, 'Create', what, async () => {
        await this.#deps.client.of(PERSISTENT_VOLUME_CLAIM).create(claim, {}, signal);
      });
    }
  }

  async #createPod(
    set: StatefulSet,
    ordinal: number,
    revision: ControllerRevision,
    signal: AbortSignal,
  ): Promise<void> {
    const pod = statefulPod(set, ordinal, templateOf(set, revision), revision.metadata.name);
    const what = `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    await this.#tellOutcome(set, 'Create', what, async () => {
      await this.#deps.client.of(POD).create(pod, {}, signal);
    });
  }

  async #delete(
    set: StatefulSet,
    { metadata: { namespace, name, uid } }: Pod,
    signal: AbortSignal,
  ): Promise<void> {
    const what = `Pod ${name} in StatefulSet ${set.metadata.name}`;
    await this.#tellOutcome(set, 'Delete', what, async () => {
      await this.#deps.client.of(POD).delete(namespace, name, { preconditions: { uid } }, signal);
    });
  }

  /**
   * Runs a write and says how it went; what is gone already is as good as done. What is there already may be
   * another's, such as an earlier set's of the same name, and nobody tells when that one goes: it is tried again.
   */
  async #tellOutcome(
    set: StatefulSet,
    verb: 'Create' | 'Delete',
    what: string,
    write: () => Promise<void>,
  ): Promise<void> {
    try {
      await write();
      this.#events.event(set, 'Normal', `Successful${verb}`, `${verb.toLowerCase()} ${what} successful`);
    } catch (error) {
      if (isNotFound(error) || isNamespaceTerminating(error)) {
        return;
      }
      if (isAlreadyExists(error)) {
        throw error;
      }
      const message = `${verb.toLowerCase()} ${what} failed error: ${describeError(error)}`;
      this.#events.event(set, 'Warning', `Failed${verb}`, message);
      throw error;
    }
  }

  async #saveStatus(set: StatefulSet, status: StatefulSetStatus, signal: AbortSignal): Promise<void> {
    if (!isDeepStrictEqual({ ...EMPTY_COUNTS, ...set.status }, { ...EMPTY_COUNTS, ...status })) {
      await this.#deps.client.of(STATEFUL_SET).updateStatus({ ...set, status }, {}, signal);
    }
  }

  async #claim(set: StatefulSet, signal: AbortSignal): Promise<readonly Pod[]> {
    const { namespace, name, uid } = set.metadata;
    return await claimObjects({
      owner: set,
      selector: labelSelectorFromObject(set.spec.selector),
      objects: [
        ...this.#pods.byIndex(CONTROLLER_INDEX, uid),
        ...this.#pods
          .byIndex(CONTROLLER_INDEX, orphanIndexValue(namespace))
          .filter((pod) => pod.metadata.name.startsWith(`${name}-`)),
      ],
      client: this.#deps.client.of(POD),
      freshOwner: () => this.#deps.client.of(STATEFUL_SET).get(namespace, name, signal),
      signal,
    });
  }
}

/** Counts that the server leaves out when they are zero. */
const EMPTY_COUNTS = {
  readyReplicas: 0,
  currentReplicas: 0,
  updatedReplicas: 0,
  availableReplicas: 0,
  observedGeneration: 0,
};
