import type { CertificateSigningRequest } from '#api/types/certificates.v1.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { mayUseSigner } from './signer-permission.ts';

/** Approving a request needs the right to approve for its signer. */
export class CertificateApproval implements ValidatingPlugin {
  readonly name = 'CertificateApproval';
  readonly scope: AdmissionScope = {
    operations: ['UPDATE'],
    resources: ['certificatesigningrequests.certificates.k8s.io/approval'],
  };
  readonly #authorizer: Authorizer;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  validate(attributes: AdmissionAttributes): void {
    const { signerName } = (attributes.oldObject as CertificateSigningRequest).spec;
    if (!mayUseSigner(this.#authorizer, attributes.user, 'approve', signerName)) {
      throw forbid(
        attributes,
        `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`,
      );
    }
  }
}
