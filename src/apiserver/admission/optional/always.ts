import type { ApiObject } from '#api/object.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

const EVERYTHING: AdmissionScope = {
  operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
  resources: 'all',
};

/** Stands for a chain that refuses nothing. */
export class AlwaysAdmit implements ValidatingPlugin {
  readonly name = 'AlwaysAdmit';
  readonly scope: AdmissionScope = { operations: [], resources: 'all' };

  validate(): void {
    // Whatever it is.
  }
}

/** Turns a cluster into one that can only be read. */
export class AlwaysDeny implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'AlwaysDeny';
  readonly scope = EVERYTHING;

  admit(attributes: AdmissionAttributes): ApiObject {
    throw forbid(attributes, 'admission control is denying all modifications');
  }

  validate(attributes: AdmissionAttributes): void {
    throw forbid(attributes, 'admission control is denying all modifications');
  }
}
