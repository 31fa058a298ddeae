import type { ApiObject } from '#api/object.ts';
import { objectKey } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { isNotFound } from '#api/status-error.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD } from '#api/types/resources.ts';
import type { ResourceClient } from '#client/client.ts';
import type { Informer } from '#client/lister.ts';
import { isPodTerminal } from '../pods/pod-state.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

interface Protection<T extends ApiObject> {
  /** Name of the queue. */
  readonly name: string;
  readonly resource: ResourceType<T>;
  readonly finalizer: string;
  readonly isInUse: (object: T) => boolean;
  /** Further changes that end a use. */
  readonly connect: (queue: KeyQueue) => readonly Disposable[];
}

const CLAIM_INDEX = 'claim';

/** Holds storage back from deletion, by a finalizer, as long as somebody uses it. */
export class StorageProtectionController<T extends ApiObject> implements Controller {
  readonly name: string;
  readonly workers = 1;
  readonly #protection: Protection<T>;
  readonly #client: ResourceClient<T>;
  readonly #objects: Informer<T>;

  constructor({ client, informers }: ControllerDeps, protection: Protection<T>) {
    this.name = protection.name;
    this.#protection = protection;
    this.#client = client.of(protection.resource);
    this.#objects = informers.of(protection.resource);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#objects, queue, (object) => [objectKey(object)]),
      ...this.#protection.connect(queue),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const object = this.#objects.get(key);
    if (object === undefined) {
      return DONE;
    }
    const { finalizer, isInUse } = this.#protection;
    const { finalizers = [], deletionTimestamp } = object.metadata;
    const isHeld = finalizers.includes(finalizer);
    if (deletionTimestamp === undefined && !isHeld) {
      await this.#save(object, [...finalizers, finalizer], signal);
    } else if (deletionTimestamp !== undefined && isHeld && !isInUse(object)) {
      await this.#save(
        object,
        finalizers.filter((other) => other !== finalizer),
        signal,
      );
    }
    return DONE;
  }

  async #save(object: T, finalizers: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      await this.#client.update({ ...object, metadata: { ...object.metadata, finalizers } }, {}, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

/** A claim is in use while a scheduled pod that has not finished mounts it. */
export function claimProtection(deps: ControllerDeps): Controller {
  const pods = deps.informers.of(POD);
  pods.addIndex(CLAIM_INDEX, claimsOf);
  return new StorageProtectionController<PersistentVolumeClaim>(deps, {
    name: 'pvcprotection',
    resource: PERSISTENT_VOLUME_CLAIM,
    finalizer: 'kubernetes.io/pvc-protection',
    isInUse: (claim) =>
      pods
        .byIndex(CLAIM_INDEX, objectKey(claim))
        .some((pod) => (pod.spec.nodeName ?? '') !== '' && !isPodTerminal(pod)),
    connect: (queue) => [enqueueOnChange(pods, queue, claimsOf)],
  });
}

/** A volume is in use while a claim has it. */
export function volumeProtection(deps: ControllerDeps): Controller {
  return new StorageProtectionController<PersistentVolume>(deps, {
    name: 'pvprotection',
    resource: PERSISTENT_VOLUME,
    finalizer: 'kubernetes.io/pv-protection',
    isInUse: ({ status }) => status.phase === 'Bound',
    connect: () => [],
  });
}

/** Keys of the claims a pod mounts; a claim made for the pod alone is named after both. */
function claimsOf({ metadata, spec }: Pod): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim =
      persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
    return claim === undefined ? [] : [`${metadata.namespace}/${claim}`];
  });
}
