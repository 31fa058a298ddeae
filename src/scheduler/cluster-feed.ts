import type { Node, Pod } from '#api/types/core.v1.ts';
import {
  CSI_NODE,
  NAMESPACE,
  NODE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  STORAGE_CLASS,
} from '#api/types/resources.ts';
import { objectKey } from '#api/object.ts';
import type { Informers } from '#client/lister.ts';
import type { Nominations } from './framework/nominations.ts';
import type { ClusterEvent } from './queue/cluster-event.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';
import { accountedSpec } from './state/accounted-spec.ts';
import type { ClusterState } from './state/cluster-state.ts';
import { podRequests } from './state/pod-requests.ts';

export interface ClusterFeedDeps {
  readonly informers: Informers;
  readonly state: ClusterState;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  /** Whether a profile of this scheduler is named by the pod. */
  readonly isOurs: (pod: Pod) => boolean;
  /** Told when a pod is no more. */
  readonly onGone: (pod: Pod) => void;
}

/** Carries what the informers see into the cluster state, and into the queue as pods and as events that may help pods. */
export class ClusterFeed implements Disposable {
  readonly #deps: ClusterFeedDeps;
  readonly #subscriptions: Disposable[] = [];

  constructor(deps: ClusterFeedDeps) {
    this.#deps = deps;
  }

  /** Subscribes; what the informers have already arrives at once. */
  start(): void {
    const { informers, state } = this.#deps;
    this.#subscriptions.push(
      informers.of(NAMESPACE).addHandler({
        onAdd: ({ metadata }) => state.setNamespace(metadata.name, metadata.labels),
        onUpdate: (previous, { metadata }) => {
          state.setNamespace(metadata.name, metadata.labels);
          if (JSON.stringify(previous.metadata.labels) !== JSON.stringify(metadata.labels)) {
            this.#tell({ kind: 'NamespaceLabelUpdate' });
          }
        },
        onDelete: ({ metadata }) => state.removeNamespace(metadata.name),
      }),
      informers.of(NODE).addHandler({
        onAdd: (node) => this.#setNode(node),
        onUpdate: (_, node) => this.#setNode(node),
        onDelete: (node) => {
          state.nodes.remove(node.metadata.name);
          this.#tell({ kind: 'NodeDelete', node });
        },
      }),
      informers.of(POD).addHandler({
        onAdd: (pod) => this.#podSet(undefined, pod),
        onUpdate: (previous, pod) => this.#podSet(previous, pod),
        onDelete: (pod) => {
          this.#podGone(pod);
          this.#deps.onGone(pod);
        },
      }),
      ...this.#volumeSubscriptions(),
    );
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions.splice(0)) {
      subscription[Symbol.dispose]();
    }
  }

  #volumeSubscriptions(): readonly Disposable[] {
    const { informers } = this.#deps;
    const claim = (object: Parameters<typeof objectKey>[0]): void =>
      this.#tell({ kind: 'ClaimChange', key: objectKey(object) });
    const volume = (): void => this.#tell({ kind: 'VolumeChange' });
    const storageClass = (): void => this.#tell({ kind: 'StorageClassChange' });
    const nodeStorage = (): void => this.#tell({ kind: 'NodeStorageChange' });
    return [
      informers
        .of(PERSISTENT_VOLUME_CLAIM)
        .addHandler({ onAdd: claim, onUpdate: (_, current) => claim(current), onDelete: claim }),
      informers.of(PERSISTENT_VOLUME).addHandler({ onAdd: volume, onUpdate: volume, onDelete: volume }),
      informers.of(STORAGE_CLASS).addHandler({ onAdd: storageClass, onUpdate: storageClass }),
      informers.of(CSI_NODE).addHandler({ onAdd: nodeStorage, onUpdate: nodeStorage }),
    ];
  }

  #setNode(node: Node): void {
    const change = this.#deps.state.nodes.set(node);
    if (change.isNew) {
      this.#tell({ kind: 'NodeAdd', node });
      return;
    }
    if (change.allocatable) {
      this.#tell({ kind: 'NodeAllocatableUpdate', node });
    }
    if (change.labels) {
      this.#tell({ kind: 'NodeLabelUpdate', node });
    }
    if (change.taints) {
      this.#tell({ kind: 'NodeTaintUpdate', node });
    }
  }

  #podSet(previous: Pod | undefined, pod: Pod): void {
    if (isFinished(pod)) {
      this.#podGone(pod);
    } else if ((pod.spec.nodeName ?? '') !== '') {
      this.#setAssigned(previous, pod);
    } else if (this.#deps.isOurs(pod)) {
      this.#setPending(pod);
    }
  }

  #setPending(pod: Pod): void {
    const { nominations, queue, state } = this.#deps;
    if (state.placed(pod.metadata.uid) !== undefined) {
      // Assumed: it is on its way to a node. Should that fail, the newest state is what is tried again.
      if (queue.get(pod.metadata.uid) !== undefined) {
        queue.set(pod);
      }
      return;
    }
    const nominated = pod.status.nominatedNodeName ?? '';
    if (nominated !== '' && nominations.nodeOf(pod.metadata.uid) === undefined) {
      nominations.set(pod, nominated);
    }
    queue.set(pod);
  }

  #setAssigned(previous: Pod | undefined, pod: Pod): void {
    const { nominations, queue, state } = this.#deps;
    const { uid } = pod.metadata;
    const known = state.placed(uid);
    state.setPod(pod);
    queue.delete(uid);
    nominations.delete(uid);
    if (known === undefined || known.isAssumed || (previous?.spec.nodeName ?? '') === '') {
      this.#tell({ kind: 'AssignedPodAdd', pod });
      return;
    }
    if (
      previous !== undefined &&
      previous.metadata.labels !== pod.metadata.labels &&
      !isSameLabels(previous, pod)
    ) {
      this.#tell({ kind: 'AssignedPodLabelUpdate', pod });
    }
    if (previous !== undefined && asksForLess(previous, pod)) {
      this.#tell({ kind: 'AssignedPodScaleDown', pod });
    }
  }

  #podGone(pod: Pod): void {
    const { nominations, queue, state } = this.#deps;
    const { uid } = pod.metadata;
    const wasPlaced = state.placed(uid) !== undefined;
    const hadPromise = nominations.nodeOf(uid) !== undefined;
    state.removePod(uid);
    queue.delete(uid);
    nominations.delete(uid);
    if (wasPlaced || hadPromise) {
      this.#tell({ kind: 'AssignedPodDelete', pod });
    }
  }

  #tell(event: ClusterEvent): void {
    this.#deps.queue.onEvent(event);
  }
}

/** A finished pod takes nothing from its node any more. */
function isFinished({ status: { phase } }: Pod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function isSameLabels(left: Pod, right: Pod): boolean {
  return JSON.stringify(left.metadata.labels) === JSON.stringify(right.metadata.labels);
}

function asksForLess(previous: Pod, pod: Pod): boolean {
  const [before, after] = [accountedSpec(previous), accountedSpec(pod)];
  if (before === after || JSON.stringify(before.containers) === JSON.stringify(after.containers)) {
    return false;
  }
  const now = podRequests(after).amounts;
  return [...podRequests(before).amounts].some(([name, amount]) => (now.get(name) ?? 0) < amount);
}
