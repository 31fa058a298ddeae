import type { Pod, Toleration } from '#api/types/core.v1.ts';
import { isExtended } from '#api/validation/resource-names.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';

/** Nodes with rare devices are tainted by them; pods that ask for one may go there. */
export class ExtendedResourceToleration implements MutatingPlugin {
  readonly name = 'ExtendedResourceToleration';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: ['pods'] };

  admit({ object }: AdmissionAttributes): Pod {
    const pod = object as Pod;
    const { containers, initContainers = [], tolerations = [] } = pod.spec;
    const asked = [...containers, ...initContainers].flatMap(({ resources }) =>
      Object.keys(resources?.requests ?? {}).filter(isExtended),
    );
    const missing = [...new Set(asked)]
      .toSorted()
      .map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoSchedule' }))
      .filter((wanted) => !tolerations.some((given) => isSame(given, wanted)));
    return missing.length === 0
      ? pod
      : { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...missing] } };
  }
}

function isSame(given: Toleration, wanted: Toleration): boolean {
  return (
    given.key === wanted.key &&
    given.operator === wanted.operator &&
    given.effect === wanted.effect &&
    (given.value ?? '') === ''
  );
}
