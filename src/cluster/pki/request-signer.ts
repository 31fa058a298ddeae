import type { ExtendedKeyUsage, KeyUsage } from '#base/x509/certificate.ts';
import { parseCertificateRequest } from '#base/x509/certificate-request.ts';
import { LEAF_VALIDITY_MS, type CertificateAuthority } from '#base/x509/certificate-authority.ts';

export interface RequestToSign {
  /** PEM of the PKCS #10 request. */
  readonly request: string;
  /** In the words of the certificates API: `client auth`, `digital signature`, … */
  readonly usages: readonly string[];
  readonly expirationSeconds?: number | undefined;
}

/** Shorter wishes are raised to this, longer ones are cut to a year. */
const VALIDITY_MS_MIN = 600_000;

const KEY_USAGES: Readonly<Record<string, KeyUsage>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'contentCommitment',
  'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement',
  'data encipherment': 'dataEncipherment',
};

const EXTENDED_KEY_USAGES: Readonly<Record<string, ExtendedKeyUsage>> = {
  'server auth': 'serverAuth',
  'client auth': 'clientAuth',
};

/**
 * Signs an approved CertificateSigningRequest and returns the certificate as PEM. Whether it may be signed, and
 * whether subject and usages fit the signer's name, is decided before.
 *
 * @throws {DerError} when the request is malformed or not signed by its own key
 */
export function signRequest(authority: CertificateAuthority, wanted: RequestToSign): string {
  const { subject, publicKey, altNames } = parseCertificateRequest(wanted.request);
  const hasNames = Object.values(altNames).some((names) => names.length > 0);
  const validityMs =
    wanted.expirationSeconds === undefined
      ? LEAF_VALIDITY_MS
      : Math.min(Math.max(wanted.expirationSeconds * 1000, VALIDITY_MS_MIN), LEAF_VALIDITY_MS);
  return authority.sign({
    subject,
    publicKey,
    validityMs,
    keyUsages: [...new Set(wanted.usages.flatMap((usage) => KEY_USAGES[usage] ?? []))],
    extendedKeyUsages: wanted.usages.flatMap((usage) => EXTENDED_KEY_USAGES[usage] ?? []),
    ...(hasNames ? { altNames } : {}),
  });
}
