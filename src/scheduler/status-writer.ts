import { isConflict, isNotFound } from '#api/status-error.ts';
import type { Pod, PodStatus } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import type { Logger } from '#base/log.ts';
import type { TaskGroup } from '#base/task-group.ts';
import type { Client } from '#client/client.ts';

export interface StatusWriterDeps {
  readonly client: Client;
  readonly log: Logger;
  readonly tasks: TaskGroup;
}

/** Writes on their way at once; thousands of pods may be found unschedulable in one go. */
const WRITERS_MAX = 16;

/**
 * Writes parts of pod statuses in the background. Holds at most one write per pod: what is said of a pod
 * before its turn came replaces what was said earlier.
 */
export class StatusWriter {
  readonly #deps: StatusWriterDeps;
  readonly #pending = new Map<string, { readonly pod: Pod; readonly status: PodStatus }>();
  /** UIDs of pods with a write on its way; the next one for the same pod waits, so that none overtakes another. */
  readonly #sending = new Set<string>();
  #writers = 0;

  constructor(deps: StatusWriterDeps) {
    this.#deps = deps;
  }

  write(pod: Pod, status: PodStatus): void {
    const { uid } = pod.metadata;
    this.#pending.set(uid, { pod, status: { ...this.#pending.get(uid)?.status, ...status } });
    if (this.#writers < WRITERS_MAX) {
      this.#writers += 1;
      this.#deps.tasks.spawn('write pod statuses', (signal) => this.#drain(signal));
    }
  }

  async #drain(signal: AbortSignal): Promise<void> {
    try {
      for (let next = this.#take(); next !== undefined; next = this.#take()) {
        this.#sending.add(next.pod.metadata.uid);
        await this.#send(next.pod, next.status, signal);
        this.#sending.delete(next.pod.metadata.uid);
      }
    } finally {
      this.#writers -= 1;
    }
  }

  #take(): { readonly pod: Pod; readonly status: PodStatus } | undefined {
    for (const [uid, write] of this.#pending) {
      if (!this.#sending.has(uid)) {
        this.#pending.delete(uid);
        return write;
      }
    }
    return undefined;
  }

  async #send(pod: Pod, status: PodStatus, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#deps.client
        .of(POD)
        .patch(
          namespace,
          name,
          { metadata: { uid }, status },
          { type: 'strategic', subresource: 'status' },
          signal,
        );
    } catch (error) {
      signal.throwIfAborted();
      // Gone, or another pod by now: then nobody reads this status any more.
      if (!isNotFound(error) && !isConflict(error)) {
        this.#deps.log.warn('a pod status could not be written', { pod: `${namespace}/${name}`, error });
      }
    }
  }
}
