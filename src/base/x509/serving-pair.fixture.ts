import { SystemClock } from '../clock.ts';
import { SeededRandom } from '../random.ts';
import { CertificateAuthority } from './certificate-authority.ts';

export interface ServingPair {
  readonly authority: CertificateAuthority;
  /** For `createServer`. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** The authority as objects of the API have it: PEM in base64. */
  readonly caBundle: string;
}

/**
 * An authority, and a certificate of it for a server on the loopback address that is also known by these names. They
 * are good by the machine's clock, which is the one that TLS looks at.
 */
export function createServingPair(...dnsNames: readonly string[]): ServingPair {
  const sources = { clock: new SystemClock(), random: new SeededRandom(1) };
  const authority = CertificateAuthority.create('test-ca', sources);
  const { certificatePem, keyPem } = authority.issue({
    subject: { commonName: 'server', organizations: [] },
    altNames: { dnsNames: ['localhost', ...dnsNames], ipAddresses: ['127.0.0.1'] },
  });
  return {
    authority,
    tls: { cert: certificatePem, key: keyPem },
    caBundle: Buffer.from(authority.certificatePem).toString('base64'),
  };
}
