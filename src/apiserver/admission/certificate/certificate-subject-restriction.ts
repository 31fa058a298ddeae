import { DerError } from '#base/x509/der.ts';
import { parseCertificateRequest } from '#base/x509/certificate-request.ts';
import type { CertificateSigningRequest } from '#api/types/certificates.v1.ts';
import { SYSTEM_MASTERS } from '../../authn/user.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

/** Nobody becomes a member of `system:masters` by asking for a certificate. */
export class CertificateSubjectRestriction implements ValidatingPlugin {
  readonly name = 'CertificateSubjectRestriction';
  readonly scope: AdmissionScope = {
    operations: ['CREATE'],
    resources: ['certificatesigningrequests.certificates.k8s.io'],
  };

  validate(attributes: AdmissionAttributes): void {
    const { spec } = attributes.object as CertificateSigningRequest;
    if (spec.signerName !== CLIENT_SIGNER) {
      return;
    }
    if (this.#organizations(attributes, spec.request).includes(SYSTEM_MASTERS)) {
      throw forbid(attributes, `use of ${CLIENT_SIGNER} signer with ${SYSTEM_MASTERS} group is not allowed`);
    }
  }

  #organizations(attributes: AdmissionAttributes, request: string): readonly string[] {
    try {
      return parseCertificateRequest(Buffer.from(request, 'base64').toString()).subject.organizations;
    } catch (error) {
      if (error instanceof DerError) {
        throw forbid(attributes, `failed to parse CSR: ${error.message}`);
      }
      throw error;
    }
  }
}
