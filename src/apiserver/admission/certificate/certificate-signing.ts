import type { CertificateSigningRequest } from '#api/types/certificates.v1.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { mayUseSigner } from './signer-permission.ts';

/** Putting a certificate, or a failure, into a request needs the right to sign for its signer. */
export class CertificateSigning implements ValidatingPlugin {
  readonly name = 'CertificateSigning';
  readonly scope: AdmissionScope = {
    operations: ['UPDATE'],
    resources: ['certificatesigningrequests.certificates.k8s.io/status'],
  };
  readonly #authorizer: Authorizer;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  validate(attributes: AdmissionAttributes): void {
    const request = attributes.object as CertificateSigningRequest;
    const old = attributes.oldObject as CertificateSigningRequest;
    const isSame =
      request.status.certificate === old.status.certificate &&
      JSON.stringify(request.status.conditions ?? []) === JSON.stringify(old.status.conditions ?? []);
    const { signerName } = old.spec;
    if (!isSame && !mayUseSigner(this.#authorizer, attributes.user, 'sign', signerName)) {
      throw forbid(
        attributes,
        `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`,
      );
    }
  }
}
