import { type ApiObject, objectKey } from '#api/object.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { InformerHandler } from '#client/lister.ts';
import type { Expectations } from '../runner/expectations.ts';
import { controllerOf } from '../runner/controller-reference.ts';
import type { KeyQueue } from '../runner/controller.ts';
import { isPodReady } from './pod-state.ts';

export interface OwnedPodHandlerOptions<T extends ApiObject> {
  readonly kind: string;
  readonly queue: KeyQueue;
  readonly expectations: Expectations;
  /** The owner by key, if the local copy has it. */
  readonly owner: (key: string) => T | undefined;
  /** Owners that would adopt this orphan. */
  readonly candidates: (orphan: Pod) => readonly T[];
  readonly minReadySeconds: (owner: T) => number;
}

/** Turns changes of pods into work for their owners, and ticks off what the owners expected to see. */
export function ownedPodHandler<T extends ApiObject>(
  options: OwnedPodHandlerOptions<T>,
): InformerHandler<Pod> {
  const { queue, expectations } = options;
  const ownerOf = (pod: Pod): T | undefined => resolveOwner(options, pod);
  const enqueueCandidates = (pod: Pod): void => {
    for (const candidate of options.candidates(pod)) {
      queue.add(objectKey(candidate));
    }
  };
  const onDelete = (pod: Pod): void => {
    const owner = ownerOf(pod);
    if (owner !== undefined) {
      expectations.deletionObserved(objectKey(owner), objectKey(pod));
      queue.add(objectKey(owner));
    }
  };
  const onAdd = (pod: Pod): void => {
    if (pod.metadata.deletionTimestamp !== undefined) {
      onDelete(pod);
      return;
    }
    const owner = ownerOf(pod);
    if (owner !== undefined) {
      expectations.creationObserved(objectKey(owner));
      queue.add(objectKey(owner));
    } else if (controllerOf(pod) === undefined) {
      enqueueCandidates(pod);
    }
  };
  const onUpdate = (previous: Pod, current: Pod): void => {
    const previousOwner = ownerOf(previous);
    const isMoved = controllerOf(previous)?.uid !== controllerOf(current)?.uid;
    if (isMoved && previousOwner !== undefined) {
      queue.add(objectKey(previousOwner));
    }
    if (current.metadata.deletionTimestamp !== undefined) {
      // A graceful deletion begins as an update; the owner replaces the pod from here on.
      onDelete(current);
      return;
    }
    const owner = ownerOf(current);
    if (owner !== undefined) {
      queue.add(objectKey(owner));
      const delaySeconds = options.minReadySeconds(owner);
      if (delaySeconds > 0 && !isPodReady(previous) && isPodReady(current)) {
        // One second more, because transition times are cut to whole seconds.
        queue.addAfter(objectKey(owner), (delaySeconds + 1) * 1000);
      }
    } else if (controllerOf(current) === undefined) {
      enqueueCandidates(current);
    }
  };
  return { onAdd, onUpdate, onDelete };
}

function resolveOwner<T extends ApiObject>(
  { kind, owner }: OwnedPodHandlerOptions<T>,
  pod: Pod,
): T | undefined {
  const reference = controllerOf(pod);
  if (reference === undefined || reference.kind !== kind) {
    return undefined;
  }
  const found = owner(`${pod.metadata.namespace}/${reference.name}`);
  return found?.metadata.uid === reference.uid ? found : undefined;
}
