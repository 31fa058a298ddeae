import { RuntimeError, type AuthConfig } from '../cri.ts';

/** What a registry asks for in `WWW-Authenticate`. */
export interface AuthChallenge {
  /** In lower case: `bearer` or `basic`. */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Undefined for a header of another form. */
export function parseChallenge(header: string): AuthChallenge | undefined {
  const match = /^\s*(\w+)\s*(.*)$/.exec(header);
  if (match === null) {
    return undefined;
  }
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain] of (match[2] ?? '').matchAll(
    /(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g,
  )) {
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return { scheme: (match[1] ?? '').toLowerCase(), parameters };
}

/** User name and password of a credential in either of its forms; undefined when there are none. */
export function basicCredentials(auth: AuthConfig | undefined): string | undefined {
  if ((auth?.username ?? '') !== '') {
    return Buffer.from(`${auth?.username}:${auth?.password ?? ''}`).toString('base64');
  }
  return (auth?.auth ?? '') === '' ? undefined : auth?.auth;
}

/**
 * Answers a challenge with the value of an `Authorization` header.
 *
 * @throws {RuntimeError} `image-unauthorized` when the registry wants more than we have
 */
export async function answerChallenge(
  challenge: AuthChallenge,
  auth: AuthConfig | undefined,
  scope: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  if ((auth?.registryToken ?? '') !== '') {
    return `Bearer ${auth?.registryToken}`;
  }
  const basic = basicCredentials(auth);
  if (challenge.scheme === 'basic') {
    if (basic === undefined) {
      throw new RuntimeError('image-unauthorized', 'no basic auth credentials');
    }
    return `Basic ${basic}`;
  }
  const realm = challenge.parameters.get('realm');
  if (challenge.scheme !== 'bearer' || realm === undefined) {
    throw new RuntimeError(
      'image-unauthorized',
      `authentication scheme "${challenge.scheme}" is not supported`,
    );
  }
  const response = await fetch(...tokenRequest({ realm, challenge, auth, scope, signal }));
  if (!response.ok) {
    await response.body?.cancel();
    throw new RuntimeError(
      response.status >= 500 ? 'registry-unavailable' : 'image-unauthorized',
      `failed to authorize: failed to fetch oauth token: unexpected status ${response.status} from ${realm}`,
    );
  }
  // Any JSON may come; only a string is taken for a token.
  const body = (await response.json()) as { token?: unknown; access_token?: unknown };
  const token = [body.token, body.access_token].find((value) => typeof value === 'string' && value !== '');
  if (typeof token !== 'string') {
    throw new RuntimeError(
      'image-unauthorized',
      'authorization server did not include a token in the response',
    );
  }
  return `Bearer ${token}`;
}

interface TokenRequest {
  readonly realm: string;
  readonly challenge: AuthChallenge;
  readonly auth: AuthConfig | undefined;
  readonly scope: string;
  readonly signal: AbortSignal | undefined;
}

function tokenRequest({ realm, challenge, auth, scope, signal }: TokenRequest): [URL, RequestInit] {
  const url = new URL(realm);
  const service = challenge.parameters.get('service') ?? '';
  const wanted = challenge.parameters.get('scope') ?? scope;
  const common = signal === undefined ? {} : { signal };
  if ((auth?.identityToken ?? '') !== '') {
    const form = { grant_type: 'refresh_token', service, scope: wanted, client_id: 'coracle' };
    const body = new URLSearchParams({ ...form, refresh_token: auth?.identityToken ?? '' });
    return [url, { ...common, method: 'POST', body }];
  }
  if (service !== '') {
    url.searchParams.set('service', service);
  }
  url.searchParams.set('scope', wanted);
  const basic = basicCredentials(auth);
  return [url, { ...common, headers: basic === undefined ? {} : { authorization: `Basic ${basic}` } }];
}
