import type { Pod } from '#api/types/core.v1.ts';
import { podPriority } from '../state/pod-requests.ts';

/** A pod that waits for a node, and how it fared so far. Times are of the monotonic clock. */
export interface QueuedPod {
  pod: Pod;
  readonly uid: string;
  /** Tries so far. */
  attempts: number;
  readonly firstSeenMs: number;
  /** When it last joined the queue; the order among pods of one priority. */
  queuedAtMs: number;
  backoffUntilMs: number;
  /** Plugins that refused it at the last try; only their events wake it. Empty after an error. */
  refusedBy: ReadonlySet<string>;
  /** Set while a plugin keeps it out of the queue. */
  gate: string | undefined;
}

/** Higher priority first; among equals, who came first. The order of the PrioritySort plugin. */
export function isScheduledBefore(left: QueuedPod, right: QueuedPod): boolean {
  const leftPriority = podPriority(left.pod);
  const rightPriority = podPriority(right.pod);
  return leftPriority === rightPriority ? left.queuedAtMs < right.queuedAtMs : leftPriority > rightPriority;
}
