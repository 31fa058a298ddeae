import type { ApiResult } from '../endpoints/api-call.ts';
import type { VerificationKey } from './json-web-token.ts';

const CONFIGURATION_PATH = '/.well-known/openid-configuration';
const KEYS_PATH = '/openid/v1/jwks';

/** Those who verify tokens may keep the keys for an hour; everything else the server says is for the moment. */
const CACHE_CONTROL = 'public, max-age=3600';

/**
 * The two paths by which others can verify service account tokens.
 *
 * @param keysUri where others find the keys; at the server's own address when left out
 */
export function openIdPaths(
  issuer: string,
  keys: readonly VerificationKey[],
  keysUri?: string,
): ReadonlyMap<string, (serverAddress: string) => ApiResult> {
  return new Map<string, (serverAddress: string) => ApiResult>([
    [
      CONFIGURATION_PATH,
      (serverAddress): ApiResult => {
        const uri = keysUri ?? `https://${serverAddress}${KEYS_PATH}`;
        return document('application/json', openIdConfiguration(issuer, uri, keys));
      },
    ],
    [KEYS_PATH, (): ApiResult => document('application/jwk-set+json', jsonWebKeySet(keys))],
  ]);
}

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

/** The public keys that tokens are signed with. */
export function jsonWebKeySet(keys: readonly VerificationKey[]): object {
  return {
    keys: keys.map(({ id, algorithm, publicKey }) => {
      const { kty, crv, ...numbers } = publicKey.export({ format: 'jwk' });
      return { use: 'sig', kty, kid: id, ...(crv === undefined ? {} : { crv }), alg: algorithm, ...numbers };
    }),
  };
}

/** As it stands, whatever the client would rather have. */
function document(contentType: string, value: object): ApiResult {
  const bytes = Buffer.from(JSON.stringify(value));
  const chunks = (async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  })();
  const headers = {
    'content-type': contentType,
    'cache-control': CACHE_CONTROL,
    'content-length': String(bytes.length),
  };
  return { kind: 'bytes', code: 200, contentType, headers, chunks };
}
