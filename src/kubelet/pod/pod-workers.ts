import type { Pod } from '#api/types/core.v1.ts';
import type { InformerHandler } from '#client/lister.ts';
import { PodWorker, type PodWorkerDeps } from './pod-worker.ts';

/** The workers of all pods of the node, by uid: a name may have a leaving and a coming pod at the same time. */
export class PodWorkers {
  readonly #deps: PodWorkerDeps;
  readonly #workers = new Map<string, PodWorker>();
  #isClosed = false;

  constructor(deps: PodWorkerDeps) {
    this.#deps = deps;
  }

  /** Feeds the server's changes to the workers. */
  readonly handler: InformerHandler<Pod> = {
    onAdd: (pod) => this.#update(pod),
    onUpdate: (previous, current) => {
      if (previous.metadata.uid !== current.metadata.uid) {
        this.#workers.get(previous.metadata.uid)?.remove(previous);
      }
      this.#update(current);
    },
    onDelete: (last) => this.#workers.get(last.metadata.uid)?.remove(last),
  };

  get size(): number {
    return this.#workers.size;
  }

  has(uid: string): boolean {
    return this.#workers.has(uid);
  }

  list(): readonly PodWorker[] {
    return [...this.#workers.values()];
  }

  /** The pod of this name; the one that came last when an older one is still leaving. */
  named(namespace: string, name: string): PodWorker | undefined {
    return this.list().findLast(
      ({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === name,
    );
  }

  /** The runtime has news of a pod. */
  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  wakeAll(): void {
    for (const worker of this.#workers.values()) {
      worker.wake();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.list().map((worker) => worker.close()));
  }

  #update(pod: Pod): void {
    if (this.#isClosed) {
      return;
    }
    const { uid } = pod.metadata;
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    const others = this.list().filter(({ stage }) => stage !== 'stopped');
    const worker = new PodWorker(
      this.#deps,
      pod,
      others.map((other) => other.pod),
      () => {
        this.#workers.delete(uid);
        void worker.close();
      },
    );
    this.#workers.set(uid, worker);
    worker.wake();
  }
}
