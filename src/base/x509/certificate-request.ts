import type { KeyObject } from 'node:crypto';
import {
  bitString,
  children,
  contextTag,
  decode,
  decodeBitString,
  decodeOid,
  DerError,
  encode,
  expectTag,
  integer,
  oid,
  sequence,
  TAG,
} from './der.ts';
import { decodeName, encodeName, type DistinguishedName } from './distinguished-name.ts';
import { pemDecode } from './pem.ts';
import { algorithmOf, isSignatureValid, signBytes } from './signature.ts';
import { decodeSubjectAltNames, encodeSubjectAltNames, type SubjectAltNames } from './subject-alt-names.ts';

/** A PKCS #10 request that was read, its signature checked. */
export interface CertificateRequest {
  readonly subject: DistinguishedName;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly altNames: Required<SubjectAltNames>;
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALT_NAME = '2.5.29.17';
const NO_NAMES: Required<SubjectAltNames> = { dnsNames: [], ipAddresses: [], emailAddresses: [], uris: [] };

/** Makes a request for a certificate, signed with the holder's own key; returns it as DER. */
export function createCertificateRequest(
  subject: DistinguishedName,
  keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  altNames: SubjectAltNames = NO_NAMES,
): Uint8Array {
  const hasNames = altNames.dnsNames.length + altNames.ipAddresses.length > 0;
  const extensions = sequence(
    sequence(oid(SUBJECT_ALT_NAME), encode(TAG.octetString, encodeSubjectAltNames(altNames))),
  );
  const attributes = hasNames ? [sequence(oid(EXTENSION_REQUEST), encode(TAG.set, extensions))] : [];
  const body = sequence(
    integer(Uint8Array.of(0)),
    encodeName(subject),
    keys.publicKey.export({ format: 'der', type: 'spki' }),
    encode(contextTag(0, true), ...attributes),
  );
  return sequence(body, algorithmOf(keys.privateKey).identifier, bitString(signBytes(keys.privateKey, body)));
}

/**
 * Reads a PEM request.
 *
 * @throws {DerError} when it is not one, or is not signed by the key it names
 */
export function parseCertificateRequest(pem: string): CertificateRequest {
  const block = pemDecode(pem)[0];
  if (block?.label !== 'CERTIFICATE REQUEST') {
    throw new DerError('PEM block type must be CERTIFICATE REQUEST');
  }
  try {
    return readRequest(block.der);
  } catch (error) {
    // Bad text, keys and curves are found by the platform, which has errors of its own.
    throw error instanceof DerError ? error : new DerError('request is malformed', { cause: error });
  }
}

/** @throws when any part of it is not what it should be */
function readRequest(der: Uint8Array): CertificateRequest {
  const [body, algorithm, signature] = children(expectTag(decode(der), TAG.sequence));
  const [, subject, publicKey, attributes] = children(expectTag(body, TAG.sequence));
  const [algorithmOid] = children(expectTag(algorithm, TAG.sequence));
  if (body === undefined || subject === undefined || publicKey === undefined || algorithmOid === undefined) {
    throw new DerError('request is cut short');
  }
  const isValid = isSignatureValid({
    publicKey: publicKey.bytes,
    algorithmOid: decodeOid(algorithmOid),
    bytes: body.bytes,
    signature: decodeBitString(signature),
  });
  if (!isValid) {
    throw new DerError('request is not signed by its key');
  }
  return {
    subject: decodeName(subject),
    publicKey: publicKey.bytes,
    altNames: attributes === undefined ? NO_NAMES : requestedAltNames(attributes.content),
  };
}

function requestedAltNames(attributes: Uint8Array): Required<SubjectAltNames> {
  for (const attribute of children(decode(sequence(attributes)))) {
    const [type, values] = children(attribute);
    if (type === undefined || values === undefined || decodeOid(type) !== EXTENSION_REQUEST) {
      continue;
    }
    for (const extension of children(values).flatMap(children)) {
      const parts = children(extension);
      const [id] = parts;
      const value = parts.at(-1);
      if (id !== undefined && value !== undefined && decodeOid(id) === SUBJECT_ALT_NAME) {
        return decodeSubjectAltNames(value.content);
      }
    }
  }
  return NO_NAMES;
}
