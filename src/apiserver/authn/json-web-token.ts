import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { utf8Decode, utf8Encode } from '#base/bytes.ts';

export type SigningAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'RS256';

const HASHES: Readonly<Record<SigningAlgorithm, string>> = {
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
  RS256: 'sha256',
};

const BY_CURVE: Readonly<Record<string, SigningAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** A key that tokens are verified with. */
export interface VerificationKey {
  /** Made from the public key itself, so every server computes the same. */
  readonly id: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
}

export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
}

/** @param pem a public key, or a private one whose public half is meant; ECDSA or RSA */
export function verificationKey(pem: string): VerificationKey {
  const publicKey = createPublicKey(pem);
  const isRsa = publicKey.asymmetricKeyType === 'rsa';
  const algorithm = isRsa ? 'RS256' : BY_CURVE[publicKey.asymmetricKeyDetails?.namedCurve ?? ''];
  assert(algorithm !== undefined, 'service account keys are RSA, or ECDSA on a NIST curve');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return { id: createHash('sha256').update(spki).digest('base64url'), algorithm, publicKey };
}

/** @param privateKeyPem ECDSA on a NIST curve, or RSA */
export function signingKey(privateKeyPem: string): SigningKey {
  return { ...verificationKey(privateKeyPem), privateKey: createPrivateKey(privateKeyPem) };
}

/** A compact JSON Web Signature over `claims`. */
export function signToken(key: SigningKey, claims: object): string {
  const header = encodePart({ alg: key.algorithm, kid: key.id });
  const signed = `${header}.${encodePart(claims)}`;
  const signature = sign(HASHES[key.algorithm], utf8Encode(signed), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

function encodePart(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** The claims of something that has the form of a token, nothing verified; undefined for anything else. */
export function unverifiedClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const parts = token.split('.');
  return parts.length === 3 ? decodePart(parts[1] ?? '') : undefined;
}

/** True when one of the keys signed the token, with the algorithm that goes with the key. */
export function isSignedByOneOf(token: string, keys: readonly VerificationKey[]): boolean {
  const lastDot = token.lastIndexOf('.');
  const header = decodePart(token.slice(0, token.indexOf('.')));
  const signature = Buffer.from(token.slice(lastDot + 1), 'base64url');
  const signed = utf8Encode(token.slice(0, lastDot));
  const named = keys.filter(({ id }) => id === header?.['kid']);
  return (named.length > 0 ? named : keys).some(
    ({ algorithm, publicKey }) =>
      algorithm === header?.['alg'] &&
      verify(HASHES[algorithm], signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature),
  );
}

function decodePart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8Decode(Buffer.from(part, 'base64url')));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // Not text, or not JSON: not a token.
  }
}
