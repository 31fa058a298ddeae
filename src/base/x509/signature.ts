import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { assert } from '../assert.ts';
import { encode, oid, sequence, TAG } from './der.ts';

interface SignatureAlgorithm {
  readonly identifier: Uint8Array;
  /** Undefined where the scheme hashes by itself. */
  readonly hash: string | undefined;
}

const ECDSA_HASHES: Readonly<Record<string, readonly [hash: string, oid: string]>> = {
  prime256v1: ['sha256', '1.2.840.10045.4.3.2'],
  secp384r1: ['sha384', '1.2.840.10045.4.3.3'],
  secp521r1: ['sha512', '1.2.840.10045.4.3.4'],
};

/** Hash by the identifier of a signature algorithm, for reading. */
const HASHES: Readonly<Record<string, string | undefined>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};
const ED25519 = '1.3.101.112';

/** The algorithm that goes with a private key: ECDSA by curve, RSA with SHA-256, Ed25519. */
export function algorithmOf(key: KeyObject): SignatureAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ec': {
      const found = ECDSA_HASHES[key.asymmetricKeyDetails?.namedCurve ?? ''];
      assert(found !== undefined, 'the signing key is on a curve that X.509 knows');
      return { identifier: sequence(oid(found[1])), hash: found[0] };
    }
    case 'rsa':
      return { identifier: sequence(oid('1.2.840.113549.1.1.11'), encode(TAG.null)), hash: 'sha256' };
    default:
      assert(key.asymmetricKeyType === 'ed25519', 'the signing key is ECDSA, RSA or Ed25519');
      return { identifier: sequence(oid(ED25519)), hash: undefined };
  }
}

export function signBytes(key: KeyObject, bytes: Uint8Array): Uint8Array {
  return sign(algorithmOf(key).hash, bytes, key);
}

interface SignedBytes {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly algorithmOid: string;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** False as well when the algorithm is not one that is trusted. */
export function isSignatureValid({ publicKey, algorithmOid, bytes, signature }: SignedBytes): boolean {
  const hash = HASHES[algorithmOid];
  if (hash === undefined && algorithmOid !== ED25519) {
    return false;
  }
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify(hash, bytes, key, signature);
}
