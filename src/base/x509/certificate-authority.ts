import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import { createCertificate, subjectOf, type CertificateTemplate, type Issuer } from './certificate.ts';
import { encodeName, type DistinguishedName } from './distinguished-name.ts';
import { pemEncode } from './pem.ts';
import type { SubjectAltNames } from './subject-alt-names.ts';

/** A certificate and its private key, both PEM. */
export interface CertifiedKey {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** What signing needs from outside: the time for validity, chance for serial numbers. */
export interface SigningDeps {
  readonly clock: Clock;
  readonly random: Random;
}

const DAY_MS = 24 * 3600 * 1000;
export const AUTHORITY_VALIDITY_MS = 3650 * DAY_MS;
export const LEAF_VALIDITY_MS = 365 * DAY_MS;

/** Clients whose clock is a little behind must not take a new certificate for one from the future. */
const BACKDATE_MS = 5 * 60 * 1000;

/** Whom a certificate is for, by which names it is reached and what it may be used for. */
export type IssueOptions = Pick<CertificateTemplate, 'extendedKeyUsages'> & {
  readonly subject: DistinguishedName;
  readonly altNames?: SubjectAltNames;
};

/** Signs certificates with one authority's key. */
export class CertificateAuthority {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly certificate: X509Certificate;
  readonly #issuer: Issuer;
  readonly #deps: SigningDeps;

  /** @throws when the two do not belong together or are no certificate and key */
  constructor({ certificatePem, keyPem }: CertifiedKey, deps: SigningDeps) {
    this.certificatePem = certificatePem;
    this.keyPem = keyPem;
    this.certificate = new X509Certificate(certificatePem);
    const privateKey = createPrivateKey(keyPem);
    if (!this.certificate.checkPrivateKey(privateKey)) {
      throw new Error('the private key does not belong to the certificate of the authority');
    }
    this.#issuer = {
      name: subjectOf(this.certificate.raw),
      publicKey: spkiOf(this.certificate.publicKey),
      privateKey,
    };
    this.#deps = deps;
  }

  /** A new self-signed authority. */
  static create(commonName: string, deps: SigningDeps): CertificateAuthority {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const subject = { commonName, organizations: [] };
    const publicKey = spkiOf(keys.publicKey);
    const nowMs = deps.clock.nowMs();
    const der = createCertificate(
      {
        subject,
        serialNumber: newSerial(deps.random),
        notBeforeMs: nowMs - BACKDATE_MS,
        notAfterMs: nowMs + AUTHORITY_VALIDITY_MS,
        isCa: true,
        keyUsages: ['digitalSignature', 'keyEncipherment', 'keyCertSign'],
        altNames: { dnsNames: [commonName], ipAddresses: [] },
        publicKey,
      },
      { name: encodeName(subject), publicKey, privateKey: keys.privateKey },
    );
    return new CertificateAuthority(
      { certificatePem: pemEncode('CERTIFICATE', der), keyPem: keyPemOf(keys.privateKey) },
      deps,
    );
  }

  /** A new key and a certificate for it, valid for a year. */
  issue({ subject, altNames, extendedKeyUsages }: IssueOptions): CertifiedKey {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificatePem = this.sign({
      subject,
      keyUsages: ['digitalSignature', 'keyEncipherment'],
      ...(extendedKeyUsages === undefined ? {} : { extendedKeyUsages }),
      ...(altNames === undefined ? {} : { altNames }),
      publicKey: spkiOf(keys.publicKey),
      validityMs: LEAF_VALIDITY_MS,
    });
    return { certificatePem, keyPem: keyPemOf(keys.privateKey) };
  }

  /** Signs a certificate for somebody else's key; it never outlives the authority. */
  sign(
    template: Omit<CertificateTemplate, 'serialNumber' | 'notBeforeMs' | 'notAfterMs'> & {
      readonly validityMs: number;
    },
  ): string {
    const nowMs = this.#deps.clock.nowMs();
    const { validityMs, ...rest } = template;
    const der = createCertificate(
      {
        ...rest,
        serialNumber: newSerial(this.#deps.random),
        notBeforeMs: nowMs - BACKDATE_MS,
        notAfterMs: Math.min(nowMs + validityMs, this.certificate.validToDate.getTime()),
      },
      this.#issuer,
    );
    return pemEncode('CERTIFICATE', der);
  }
}

/** True when `pem` is signed by the authority and stays valid for longer than `marginMs`. */
export function isStillGood(
  authority: CertificateAuthority,
  pem: string,
  { clock, marginMs }: { readonly clock: Clock; readonly marginMs: number },
): boolean {
  const certificate = new X509Certificate(pem);
  return (
    certificate.checkIssued(authority.certificate) &&
    certificate.verify(authority.certificate.publicKey) &&
    certificate.validToDate.getTime() - clock.nowMs() > marginMs
  );
}

/** A fresh key for signing service account tokens, as PEM. */
export function createSigningKey(): { readonly privateKeyPem: string; readonly publicKeyPem: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKeyPem: keyPemOf(privateKey), publicKeyPem: publicKeyPemOf(privateKey) };
}

/** The public half of a key, as SPKI in PEM. */
export function publicKeyPemOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: 'pem', type: 'spki' });
}

/** SEC 1 for elliptic curves, as kubeadm writes them. */
function keyPemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'sec1' });
}

function spkiOf(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' });
}

function newSerial(random: Random): Uint8Array {
  const serial = random.bytes(16);
  // Positive and never zero, whatever the chance.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  return serial;
}
