import { isIP } from 'node:net';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { CertificateAuthority, type CertifiedKey } from '#base/x509/certificate-authority.ts';

/** What a webhook server shows, and what the API server checks it with. All PEM. */
export interface ServingCertificate extends CertifiedKey {
  readonly authorityPem: string;
}

/**
 * A certificate of an authority of its own, for tests and for clusters without anything that issues them. Valid
 * from now for a year.
 *
 * @param names DNS names and addresses the server is reached by, as `website-operator.example.svc`
 */
export function servingCertificate(
  names: readonly string[] = ['localhost', '127.0.0.1'],
): ServingCertificate {
  const authority = CertificateAuthority.create('webhooks', {
    clock: new SystemClock(),
    random: new SystemRandom(),
  });
  const issued = authority.issue({
    subject: { commonName: names[0] ?? 'webhooks', organizations: [] },
    extendedKeyUsages: ['serverAuth'],
    altNames: {
      dnsNames: names.filter((name) => isIP(name) === 0),
      ipAddresses: names.filter((name) => isIP(name) !== 0),
    },
  });
  return { ...issued, authorityPem: authority.certificatePem };
}
