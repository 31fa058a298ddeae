import type { Pod } from '#api/types/core.v1.ts';
import { describeError } from '#base/log.ts';
import type { Plugin, PermitOutcome } from './framework/plugin.ts';
import type { Rejection } from './framework/rejection.ts';

/** A pod that has a place and needs only to be bound there. */
export interface BindingTask {
  readonly pod: Pod;
  readonly nodeName: string;
  readonly plugins: readonly Plugin[];
  /** Of the plugins that hold the pod back for now. */
  readonly permits: readonly PermitOutcome[];
  /** Asked before the plugins: true when somebody outside has bound the pod. */
  readonly bindOutside?: ((pod: Pod, nodeName: string, signal: AbortSignal) => Promise<boolean>) | undefined;
}

export type BindingOutcome =
  | { readonly kind: 'bound' }
  /** A plugin changed its mind while the pod was held. */
  | { readonly kind: 'refused'; readonly rejection: Rejection }
  /** In upstream's words. */
  | { readonly kind: 'failed'; readonly message: string };

/** Waits for permission, prepares and binds. Failures are outcomes; an abort is thrown on. */
export async function runBinding(
  { pod, nodeName, plugins, permits, bindOutside }: BindingTask,
  signal: AbortSignal,
): Promise<BindingOutcome> {
  for (const permit of permits) {
    if (permit.kind === 'wait') {
      const decision = await permit.decision;
      if (decision !== 'allow') {
        return { kind: 'refused', rejection: decision };
      }
    }
  }
  let step = '';
  try {
    for (const plugin of plugins) {
      step = `running PreBind plugin "${plugin.name}"`;
      await plugin.preBind?.(pod, nodeName, signal);
    }
    step = '';
    if (bindOutside !== undefined && (await bindOutside(pod, nodeName, signal))) {
      return { kind: 'bound' };
    }
    for (const plugin of plugins) {
      step = `running Bind plugin "${plugin.name}"`;
      if ((await plugin.bind?.(pod, nodeName, signal)) === true) {
        return { kind: 'bound' };
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    return {
      kind: 'failed',
      message: `binding rejected: ${step === '' ? '' : `${step}: `}${describeError(error)}`,
    };
  }
  return { kind: 'failed', message: 'binding rejected: no Bind plugin took the pod' };
}
