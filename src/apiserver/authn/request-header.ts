import { unauthorized } from '#api/status-error.ts';
import type { CertificateVerifier } from './client-certificate.ts';
import { headerOf, type Authenticator, type AuthnRequest, type UserInfo } from './user.ts';

export interface RequestHeaderOptions {
  /** Trusts the front proxy's authority. */
  readonly verifier: CertificateVerifier;
  /** Common names a proxy's certificate may have; any when empty. */
  readonly allowedNames: readonly string[];
}

/** Where headers are read from. */
export type HeaderSource = Pick<AuthnRequest, 'headers' | 'rawHeaders'>;

const EXTRA_PREFIX = 'x-remote-extra-';

/** Identity that a front proxy, known by its certificate, passes on in `X-Remote-` headers. */
export class RequestHeaderAuthenticator implements Authenticator {
  readonly #options: RequestHeaderOptions;

  constructor(options: RequestHeaderOptions) {
    this.#options = options;
  }

  authenticate(request: AuthnRequest): Promise<UserInfo | undefined> {
    const { verifier, allowedNames } = this.#options;
    const certificate = request.peerCertificate;
    const name = headerOf(request, 'x-remote-user');
    if (certificate === undefined || name === undefined || name === '' || !verifier.isTrusted(certificate)) {
      return Promise.resolve(undefined);
    }
    if (allowedNames.length > 0) {
      const commonName: unknown = certificate.toLegacyObject().subject.CN;
      if (typeof commonName !== 'string' || !allowedNames.includes(commonName)) {
        return Promise.reject(unauthorized());
      }
    }
    const uid = headerOf(request, 'x-remote-uid');
    return Promise.resolve({
      name,
      ...(uid === undefined ? {} : { uid }),
      groups: valuesOf(request, 'x-remote-group'),
      extra: extraOf(request, EXTRA_PREFIX),
    });
  }
}

/** All values of a header, each of which may have been sent on its own. */
export function valuesOf({ headers, rawHeaders }: HeaderSource, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) {
    return [];
  }
  if (typeof value !== 'string') {
    return value;
  }
  // Node joins what was sent on its own with commas; which of them were sent shows only as they came.
  return rawHeaders !== undefined && value.includes(',') ? valuesAsSent(rawHeaders, name) : [value];
}

function valuesAsSent(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

/** The extra fields in headers that start with `prefix`; what follows is the key, percent-encoded. */
export function extraOf(request: HeaderSource, prefix: string): Record<string, readonly string[]> {
  const extra: [string, readonly string[]][] = [];
  for (const header of Object.keys(request.headers)) {
    if (header.startsWith(prefix)) {
      extra.push([decodeKey(header.slice(prefix.length)), valuesOf(request, header)]);
    }
  }
  // Unlike assignment this also keeps a key named `__proto__` an ordinary one.
  return Object.fromEntries(extra);
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    // A key that is not encoded as it should be is taken as it stands.
    if (error instanceof URIError) {
      return encoded;
    }
    throw error;
  }
}
