import type { Pod } from '#api/types/core.v1.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

const HOST_NAME = 'kubernetes.io/hostname';

/** A pod may keep others off its node, but not out of a whole zone. */
export class LimitPodHardAntiAffinityTopology implements ValidatingPlugin {
  readonly name = 'LimitPodHardAntiAffinityTopology';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: ['pods'] };

  validate(attributes: AdmissionAttributes): void {
    const { affinity } = (attributes.object as Pod).spec;
    const terms = affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const wide = terms.find(({ topologyKey }) => topologyKey !== HOST_NAME);
    if (wide !== undefined) {
      throw forbid(
        attributes,
        `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${wide.topologyKey} but only key ${HOST_NAME} is allowed`,
      );
    }
  }
}
