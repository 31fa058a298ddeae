import type { ApiObject } from '#api/object.ts';
import type { Informer } from '#client/lister.ts';

/** What one pass over a key came to. A thrown error means: try again, later with each failure in a row. */
export type ReconcileResult =
  | { readonly kind: 'done' }
  /** Look again after a while, whatever happens until then. */
  | { readonly kind: 'again'; readonly afterMs: number };

export const DONE: ReconcileResult = { kind: 'done' };

/** At once for a delay that is not above 0. */
export function againAfter(afterMs: number): ReconcileResult {
  return { kind: 'again', afterMs: Math.max(afterMs, 0) };
}

/** Thrown by `reconcile` when trying again cannot help before something changes. */
export class NoRetryError extends Error {
  override readonly name = 'NoRetryError';
  readonly code = 'controllers/no-retry';
}

/** What a controller may do with its own queue. */
export interface KeyQueue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
}

/**
 * One control loop. The runner owns its queue, workers, back-off and metrics; the controller says which keys
 * a change concerns and brings the world of one key in line. The same key is never reconciled twice at once.
 */
export interface Controller {
  /** Name of the queue and of the log lines: `replicaset`, `deployment`. */
  readonly name: string;
  /** Keys worked on at the same time. */
  readonly workers: number;
  /** Begins to turn changes into keys. Called once, before the first `reconcile`; undone when the runner stops. */
  connect(queue: KeyQueue): readonly Disposable[];
  /** Reads local copies, compares, and writes what differs. Writes nothing when nothing differs. */
  reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult>;
}

/** Queues the keys that any change of an object concerns; for an update, those of both states. */
export function enqueueOnChange<T extends ApiObject>(
  informer: Informer<T>,
  queue: KeyQueue,
  keysOf: (object: T) => readonly string[],
): Disposable {
  const enqueue = (object: T): void => {
    for (const key of keysOf(object)) {
      queue.add(key);
    }
  };
  return informer.addHandler({
    onAdd: enqueue,
    onUpdate: (previous, current) => {
      // Each key once: an idle worker takes the first at once, and the second would cost another pass.
      new Set([...keysOf(previous), ...keysOf(current)]).forEach((key) => queue.add(key));
    },
    onDelete: enqueue,
  });
}
