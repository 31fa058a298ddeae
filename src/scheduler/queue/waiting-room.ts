import type { QueueingHint } from '../framework/plugin.ts';
import type { ClusterEvent } from './cluster-event.ts';
import type { QueuedPod } from './queued-pod.ts';

/** What every plugin of a profile said about events, by plugin. */
export type HintTable = ReadonlyMap<string, readonly QueueingHint[]>;

/** Pods that no node could take, found by the plugins that refused them, so that an event asks only those it may help. */
export class WaitingRoom {
  readonly #hints: HintTable;
  readonly #pods = new Map<string, QueuedPod>();
  #gatedCount = 0;
  readonly #byPlugin = new Map<string, Set<QueuedPod>>();

  constructor(hints: HintTable) {
    this.#hints = hints;
  }

  get size(): number {
    return this.#pods.size;
  }

  get gatedCount(): number {
    return this.#gatedCount;
  }

  get(uid: string): QueuedPod | undefined {
    return this.#pods.get(uid);
  }

  values(): Iterable<QueuedPod> {
    return this.#pods.values();
  }

  add(waiting: QueuedPod): void {
    this.#pods.set(waiting.uid, waiting);
    this.#gatedCount += waiting.gate === undefined ? 0 : 1;
    for (const plugin of waiting.refusedBy) {
      const pods = this.#byPlugin.get(plugin) ?? new Set();
      pods.add(waiting);
      this.#byPlugin.set(plugin, pods);
    }
  }

  delete(uid: string): QueuedPod | undefined {
    const waiting = this.#pods.get(uid);
    if (waiting === undefined) {
      return undefined;
    }
    this.#pods.delete(uid);
    this.#gatedCount -= waiting.gate === undefined ? 0 : 1;
    for (const plugin of waiting.refusedBy) {
      const pods = this.#byPlugin.get(plugin);
      pods?.delete(waiting);
      if (pods?.size === 0) {
        this.#byPlugin.delete(plugin);
      }
    }
    return waiting;
  }

  /** The pods that the event may help. Gated ones wait for their gate only. */
  helpedBy(event: ClusterEvent): readonly QueuedPod[] {
    const helped = new Set<QueuedPod>();
    for (const [plugin, pods] of this.#byPlugin) {
      const hints = this.#hints.get(plugin);
      for (const waiting of pods) {
        if (waiting.gate === undefined && !helped.has(waiting) && mayHelp(hints, waiting, event)) {
          helped.add(waiting);
        }
      }
    }
    return [...helped];
  }
}

/** Whether a change of the pod itself may help it. */
export function isHelpedByOwnChange(hints: HintTable, waiting: QueuedPod): boolean {
  const event: ClusterEvent = { kind: 'PodUpdate', pod: waiting.pod };
  return [...waiting.refusedBy].some((plugin) => mayHelp(hints.get(plugin), waiting, event));
}

/** A plugin that says nothing about events may be helped by any. */
function mayHelp(
  hints: readonly QueueingHint[] | undefined,
  { pod }: QueuedPod,
  event: ClusterEvent,
): boolean {
  return (
    hints === undefined ||
    hints.some((hint) => hint.events.includes(event.kind) && (hint.mayHelp?.(pod, event) ?? true))
  );
}
