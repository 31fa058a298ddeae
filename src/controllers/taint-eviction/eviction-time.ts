import type { Pod, Taint } from '#api/types/core.v1.ts';
import { tolerates } from '../pods/tolerations.ts';

export type EvictionVerdict =
  /** Nothing on the node drives the pod away. */
  | { readonly kind: 'stays' }
  /** The pod has to go this long after the taints came; zero for at once. */
  | { readonly kind: 'goes'; readonly afterMs: number };

/** What the taints of a node that drive pods away mean for one pod. */
export function judgeEviction(pod: Pod, taints: readonly Taint[]): EvictionVerdict {
  const driving = taints.filter(({ effect }) => effect === 'NoExecute');
  const tolerations = pod.spec.tolerations ?? [];
  let soonestSeconds: number | undefined;
  for (const taint of driving) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) {
      return { kind: 'goes', afterMs: 0 };
    }
    // The first that matches decides, as one toleration answers one taint.
    const seconds = matching[0]?.tolerationSeconds;
    if (seconds !== undefined) {
      soonestSeconds = Math.min(soonestSeconds ?? Infinity, Math.max(seconds, 0));
    }
  }
  return soonestSeconds === undefined ? { kind: 'stays' } : { kind: 'goes', afterMs: soonestSeconds * 1000 };
}
