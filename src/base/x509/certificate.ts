import { createHash, type KeyObject } from 'node:crypto';
import {
  contextTag,
  encode,
  bitString,
  children,
  decode,
  decodeBitString,
  integer,
  oid,
  sequence,
  TAG,
  time,
} from './der.ts';
import { encodeName, type DistinguishedName } from './distinguished-name.ts';
import { algorithmOf, signBytes } from './signature.ts';
import { encodeSubjectAltNames, type SubjectAltNames } from './subject-alt-names.ts';

/** Bit numbers of the key usage extension. */
const KEY_USAGE_BITS = {
  digitalSignature: 0,
  contentCommitment: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

const EXTENDED_KEY_USAGE_OIDS = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;

export type KeyUsage = keyof typeof KEY_USAGE_BITS;
export type ExtendedKeyUsage = keyof typeof EXTENDED_KEY_USAGE_OIDS;

export interface CertificateTemplate {
  readonly subject: DistinguishedName;
  /** Big-endian, at most 20 bytes; 16 random ones make it unique. */
  readonly serialNumber: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isCa?: boolean;
  readonly keyUsages: readonly KeyUsage[];
  readonly extendedKeyUsages?: readonly ExtendedKeyUsage[];
  readonly altNames?: SubjectAltNames;
  /** SubjectPublicKeyInfo of the holder's key, DER. */
  readonly publicKey: Uint8Array;
}

/** Who signs: the name and key of the authority; the certificate's own for a root. */
export interface Issuer {
  /** The issuer's subject, DER, exactly as its certificate has it. */
  readonly name: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

/** Makes and signs an X.509 v3 certificate; returns it as DER. */
export function createCertificate(template: CertificateTemplate, issuer: Issuer): Uint8Array {
  const algorithm = algorithmOf(issuer.privateKey);
  const body = sequence(
    encode(contextTag(0, true), integer(Uint8Array.of(2))),
    integer(template.serialNumber),
    algorithm.identifier,
    issuer.name,
    sequence(time(template.notBeforeMs), time(template.notAfterMs)),
    encodeName(template.subject),
    template.publicKey,
    encode(contextTag(3, true), sequence(...extensionsOf(template, issuer))),
  );
  return sequence(body, algorithm.identifier, bitString(signBytes(issuer.privateKey, body)));
}

function extensionsOf(template: CertificateTemplate, issuer: Issuer): readonly Uint8Array[] {
  const isCa = template.isCa ?? false;
  const extensions = [
    extension('2.5.29.15', true, keyUsageBits(template.keyUsages)),
    extension('2.5.29.19', true, sequence(...(isCa ? [encode(TAG.boolean, Uint8Array.of(0xff))] : []))),
    extension('2.5.29.35', false, sequence(encode(contextTag(0, false), keyIdentifier(issuer.publicKey)))),
  ];
  if (isCa) {
    extensions.push(
      extension('2.5.29.14', false, encode(TAG.octetString, keyIdentifier(template.publicKey))),
    );
  }
  if (template.extendedKeyUsages !== undefined && template.extendedKeyUsages.length > 0) {
    const usages = template.extendedKeyUsages.map((usage) => oid(EXTENDED_KEY_USAGE_OIDS[usage]));
    extensions.push(extension('2.5.29.37', false, sequence(...usages)));
  }
  if (template.altNames !== undefined) {
    extensions.push(extension('2.5.29.17', false, encodeSubjectAltNames(template.altNames)));
  }
  return extensions;
}

function extension(type: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? [encode(TAG.boolean, Uint8Array.of(0xff))] : [];
  return sequence(oid(type), ...critical, encode(TAG.octetString, value));
}

function keyUsageBits(usages: readonly KeyUsage[]): Uint8Array {
  let bits = 0;
  for (const usage of usages) {
    bits |= 0x80 >> KEY_USAGE_BITS[usage];
  }
  // DER drops the zero bits at the end.
  const unused = 31 - Math.clz32(bits & -bits);
  return bits === 0 ? bitString(new Uint8Array(0)) : bitString(Uint8Array.of(bits), unused);
}

/** A short name for a public key, by which a chain is put together. */
function keyIdentifier(publicKey: Uint8Array): Uint8Array {
  const [, bits] = children(decode(publicKey));
  return createHash('sha256').update(decodeBitString(bits)).digest().subarray(0, 20);
}

/** The subject of a certificate as it stands in it, for use as an issuer's name. */
export function subjectOf(certificate: Uint8Array): Uint8Array {
  const [body] = children(decode(certificate));
  const fields = body === undefined ? [] : children(body);
  // Version is left out by version 1 certificates only, which no authority of ours is.
  return fields[5]?.bytes ?? new Uint8Array(0);
}
