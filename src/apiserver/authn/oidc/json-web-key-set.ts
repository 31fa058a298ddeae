import { constants, createPublicKey, verify, type JsonWebKeyInput, type KeyObject } from 'node:crypto';

/** Signing algorithms that tokens of others may have (RFC 7518, 3.1), with how Node calls them. */
const ALGORITHMS = {
  RS256: { hash: 'sha256', type: 'rsa', padding: constants.RSA_PKCS1_PADDING },
  RS384: { hash: 'sha384', type: 'rsa', padding: constants.RSA_PKCS1_PADDING },
  RS512: { hash: 'sha512', type: 'rsa', padding: constants.RSA_PKCS1_PADDING },
  PS256: { hash: 'sha256', type: 'rsa', padding: constants.RSA_PKCS1_PSS_PADDING },
  PS384: { hash: 'sha384', type: 'rsa', padding: constants.RSA_PKCS1_PSS_PADDING },
  PS512: { hash: 'sha512', type: 'rsa', padding: constants.RSA_PKCS1_PSS_PADDING },
  ES256: { hash: 'sha256', type: 'ec', curve: 'prime256v1' },
  ES384: { hash: 'sha384', type: 'ec', curve: 'secp384r1' },
  ES512: { hash: 'sha512', type: 'ec', curve: 'secp521r1' },
} as const;

export type TokenAlgorithm = keyof typeof ALGORITHMS;
export const TOKEN_ALGORITHMS = Object.keys(ALGORITHMS) as readonly TokenAlgorithm[];

export interface WebKey {
  readonly id: string | undefined;
  readonly key: KeyObject;
}

/** A token in its parts, nothing about it verified. */
export interface CompactToken {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** Undefined for what does not have the form of a signed token. */
export function readCompactToken(token: string): CompactToken | undefined {
  const parts = token.split('.');
  const [header, payload] = parts.slice(0, 2).map(recordIn);
  const algorithm = header?.['alg'];
  const keyId = header?.['kid'];
  if (parts.length !== 3 || payload === undefined || typeof algorithm !== 'string') {
    return undefined;
  }
  return {
    algorithm,
    keyId: typeof keyId === 'string' ? keyId : undefined,
    claims: payload,
    signed: Buffer.from(token.slice(0, token.lastIndexOf('.'))),
    signature: Buffer.from(parts[2] ?? '', 'base64url'),
  };
}

function recordIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // Not JSON: not a token.
  }
}

/** The keys of a JWK set that signatures can be verified with; others are for something else. */
export function readKeySet(text: string): readonly WebKey[] {
  const { keys = [] } = JSON.parse(text) as {
    readonly keys?: readonly (JsonWebKeyInput['key'] & { kid?: string; use?: string })[];
  };
  return keys.flatMap((jwk) => {
    if (jwk.use !== undefined && jwk.use !== 'sig') {
      return [];
    }
    try {
      return [{ id: jwk.kid, key: createPublicKey({ key: jwk, format: 'jwk' }) }];
    } catch {
      return []; // Of a kind that this program does not know; others of the set may still do.
    }
  });
}

/** True when one of the keys signed the token with the algorithm that it names. */
export function isSignedBy(token: CompactToken, keys: readonly WebKey[]): boolean {
  const algorithm = Object.hasOwn(ALGORITHMS, token.algorithm)
    ? ALGORITHMS[token.algorithm as TokenAlgorithm]
    : undefined;
  if (algorithm === undefined) {
    return false;
  }
  return keys
    .filter(({ id }) => token.keyId === undefined || id === token.keyId)
    .some(({ key }) => {
      if (key.asymmetricKeyType !== algorithm.type) {
        return false;
      }
      if (algorithm.type === 'rsa') {
        const options = { key, padding: algorithm.padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
        return verify(algorithm.hash, token.signed, options, token.signature);
      }
      return (
        key.asymmetricKeyDetails?.namedCurve === algorithm.curve &&
        verify(algorithm.hash, token.signed, { key, dsaEncoding: 'ieee-p1363' }, token.signature)
      );
    });
}
