/** Why a node cannot take a pod. Plugins make each distinct one once and return the same object again. */
export interface Rejection {
  readonly plugin: string;
  /** In the words of events and conditions; several when a node lacks several things. */
  readonly reasons: readonly string[];
  /** True when other pods are in the way, so that removing some may help (upstream's `Unschedulable`). */
  readonly isResolvable: boolean;
}

/** A rejection that removing pods may cure. */
export function busy(plugin: string, ...reasons: readonly string[]): Rejection {
  return { plugin, reasons, isResolvable: true };
}

/** A rejection that no removal of pods cures (upstream's `UnschedulableAndUnresolvable`). */
export function unfit(plugin: string, ...reasons: readonly string[]): Rejection {
  return { plugin, reasons, isResolvable: false };
}
