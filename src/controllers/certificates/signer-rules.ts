import type { CertificateSigningRequest } from '#api/types/certificates.v1.ts';
import { utf8Decode } from '#base/bytes.ts';
import { parseCertificateRequest } from '#base/x509/certificate-request.ts';

export const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
export const KUBELET_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
export const KUBELET_SERVING_SIGNER = 'kubernetes.io/kubelet-serving';
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';

/** The signers this cluster signs for itself; requests for others wait for whoever runs those. */
export const OWN_SIGNERS: ReadonlySet<string> = new Set([
  CLIENT_SIGNER,
  KUBELET_CLIENT_SIGNER,
  KUBELET_SERVING_SIGNER,
  LEGACY_SIGNER,
]);

const NODE_PREFIX = 'system:node:';
const NODES_GROUP = 'system:nodes';

/** The PEM in a request. */
export function requestPem({ spec }: CertificateSigningRequest): string {
  return utf8Decode(Buffer.from(spec.request, 'base64'));
}

export function hasCondition({ status }: CertificateSigningRequest, type: string): boolean {
  return (
    status.conditions?.some((condition) => condition.type === type && condition.status !== 'False') === true
  );
}

/** Whose node a kubelet's client request is for; undefined when it is not such a request. */
export function nodeClientName(request: CertificateSigningRequest): string | undefined {
  if (request.spec.signerName !== KUBELET_CLIENT_SIGNER || ruleProblem(request) !== undefined) {
    return undefined;
  }
  return parseCertificateRequest(requestPem(request)).subject.commonName;
}

/** Why the request is not one for its signer; undefined when it is. */
export function ruleProblem(request: CertificateSigningRequest): string | undefined {
  const { signerName, usages = [] } = request.spec;
  const { subject, altNames } = parseCertificateRequest(requestPem(request));
  const has = (names: readonly string[] = []): boolean => names.length > 0;
  const isNode =
    subject.organizations.join() === NODES_GROUP && (subject.commonName ?? '').startsWith(NODE_PREFIX);
  switch (signerName) {
    case CLIENT_SIGNER:
      return usageProblem(usages, 'client auth');
    case KUBELET_CLIENT_SIGNER:
      if (!isNode) {
        return `subject must be a node: organization ${NODES_GROUP}, common name ${NODE_PREFIX}…`;
      }
      return has(altNames.dnsNames) ||
        has(altNames.ipAddresses) ||
        has(altNames.emailAddresses) ||
        has(altNames.uris)
        ? 'subject alternative names are not allowed'
        : usageProblem(usages, 'client auth');
    case KUBELET_SERVING_SIGNER:
      if (!isNode) {
        return `subject must be a node: organization ${NODES_GROUP}, common name ${NODE_PREFIX}…`;
      }
      if (has(altNames.emailAddresses) || has(altNames.uris)) {
        return 'email and URI alternative names are not allowed';
      }
      return has(altNames.dnsNames) || has(altNames.ipAddresses)
        ? usageProblem(usages, 'server auth')
        : 'at least one DNS or IP alternative name is required';
    default:
      return undefined;
  }
}

/** Key usages may be asked for or not; the purpose has to be exactly the one of the signer. */
function usageProblem(usages: readonly string[], purpose: string): string | undefined {
  const allowed = ['digital signature', 'key encipherment', purpose];
  return usages.includes(purpose) && usages.every((usage) => allowed.includes(usage))
    ? undefined
    : `usages must be ${purpose}, with digital signature and key encipherment at most`;
}
