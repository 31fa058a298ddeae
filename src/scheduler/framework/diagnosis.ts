import type { Rejection } from './rejection.ts';

/** Why no node was found for a pod. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** The whole cluster was refused before any node was looked at. */
  readonly preFilter: Rejection | undefined;
  /** By row, each rejected node's reason; empty after a refusal by {@link preFilter}. */
  readonly rejections: readonly (Rejection | undefined)[];
  /** Rejected nodes by rejection. */
  readonly counts: ReadonlyMap<Rejection, number>;
  /** Plugins that refused the pod; only their events wake it. */
  readonly plugins: ReadonlySet<string>;
}

/** The sentence of the `FailedScheduling` event and of the pod's condition, in upstream's words. */
export function unschedulableMessage(
  { nodeCount, preFilter, counts }: Pick<Diagnosis, 'nodeCount' | 'preFilter' | 'counts'>,
  postFilterMessage: string,
): string {
  const why = preFilter === undefined ? histogram(counts) : preFilter.reasons.join(', ');
  return (
    `0/${nodeCount} nodes are available:${why === '' ? '' : ` ${why}.`}` +
    (postFilterMessage === '' ? '' : ` ${postFilterMessage}`)
  );
}

/** `1 Insufficient cpu, 2 node(s) had untolerated taint(s)`: sorted as text, as upstream sorts it. */
function histogram(counts: ReadonlyMap<Rejection, number>): string {
  const byReason = new Map<string, number>();
  for (const [{ reasons }, count] of counts) {
    for (const reason of reasons) {
      byReason.set(reason, (byReason.get(reason) ?? 0) + count);
    }
  }
  return [...byReason]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}

export const NO_NODES_MESSAGE = 'no nodes available to schedule pods';
