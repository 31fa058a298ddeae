import type { Service } from '#api/types/core.v1.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

/** A Service may not draw the traffic of addresses that it is not given; those it has already, it may keep. */
export class DenyServiceExternalIPs implements ValidatingPlugin {
  readonly name = 'DenyServiceExternalIPs';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: ['services'] };

  validate(attributes: AdmissionAttributes): void {
    const { externalIPs = [] } = (attributes.object as Service).spec;
    const kept = (attributes.oldObject as Service | undefined)?.spec.externalIPs ?? [];
    if (externalIPs.some((address) => !kept.includes(address))) {
      throw forbid(attributes, 'Use of external IPs is denied by admission control');
    }
  }
}
