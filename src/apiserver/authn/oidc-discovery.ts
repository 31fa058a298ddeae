import type { VerificationKey } from './json-web-token.ts';

/** What `/.well-known/openid-configuration` answers, so that others can verify service account tokens. */
export function openIdConfiguration(
  issuer: string,
  jwksUri: string,
  keys: readonly VerificationKey[],
): object {
  return {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ algorithm }) => algorithm))].toSorted(),
  };
}

/** What `/openid/v1/jwks` answers, as `application/jwk-set+json`: the public keys tokens are signed with. */
export function jsonWebKeySet(keys: readonly VerificationKey[]): object {
  return {
    keys: keys.map(({ id, algorithm, publicKey }) => ({
      use: 'sig',
      kid: id,
      alg: algorithm,
      ...publicKey.export({ format: 'jwk' }),
    })),
  };
}
