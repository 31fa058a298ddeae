import type { Pod } from '#api/types/core.v1.ts';
import { podPriority } from '../state/pod-requests.ts';

/** Pods that wait for the room that preemption makes for them, by the node where it is made. */
export class Nominations {
  readonly #nodeOf = new Map<string, string>();
  readonly #byNode = new Map<string, Map<string, Pod>>();

  get size(): number {
    return this.#nodeOf.size;
  }

  /** Promises the node to the pod; an earlier promise to it is void. */
  set(pod: Pod, nodeName: string): void {
    const { uid } = pod.metadata;
    this.delete(uid);
    this.#nodeOf.set(uid, nodeName);
    const pods = this.#byNode.get(nodeName) ?? new Map<string, Pod>();
    pods.set(uid, pod);
    this.#byNode.set(nodeName, pods);
  }

  delete(uid: string): void {
    const nodeName = this.#nodeOf.get(uid);
    if (nodeName === undefined) {
      return;
    }
    this.#nodeOf.delete(uid);
    const pods = this.#byNode.get(nodeName);
    pods?.delete(uid);
    if (pods?.size === 0) {
      this.#byNode.delete(nodeName);
    }
  }

  nodeOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid);
  }

  on(nodeName: string): Iterable<Pod> {
    return this.#byNode.get(nodeName)?.values() ?? [];
  }

  /** The pods with a promise of the node that `pod` may not take away: of its priority or a higher one. */
  ahead(nodeName: string, pod: Pod): readonly Pod[] {
    return [...this.on(nodeName)].filter(
      (other) => other.metadata.uid !== pod.metadata.uid && podPriority(other) >= podPriority(pod),
    );
  }
}
