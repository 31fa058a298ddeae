import type { Pod, Toleration } from '#api/types/core.v1.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';

const TOLERATION_SECONDS_DEFAULT = 300;
const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;

/** Gives pods five minutes on a node that is not ready or cannot be reached, unless they say otherwise. */
export class DefaultTolerationSeconds implements MutatingPlugin {
  readonly name = 'DefaultTolerationSeconds';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: ['pods'] };

  admit({ object }: AdmissionAttributes): Pod {
    const pod = object as Pod;
    const tolerations = pod.spec.tolerations ?? [];
    const missing = KEYS.filter((key) => !tolerations.some((toleration) => tolerates(toleration, key)));
    if (missing.length === 0) {
      return pod;
    }
    const added = missing.map((key): Toleration => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: TOLERATION_SECONDS_DEFAULT,
    }));
    return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
  }
}

/** A toleration without a key is for every taint, one without an effect for every effect. */
function tolerates({ key = '', effect = 'NoExecute' }: Toleration, taintKey: string): boolean {
  return (key === '' || key === taintKey) && effect === 'NoExecute';
}
