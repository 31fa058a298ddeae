import type { X509Certificate } from 'node:crypto';

/** Who sends a request, once that is established. Immutable, and shared by all requests of one credential. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** The parts of a request that can carry a credential. */
export interface AuthnRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values in turn, as they came over the network. */
  readonly rawHeaders?: readonly string[] | undefined;
  /** The certificate the client showed on this connection, its possession proven; not yet checked against any CA. */
  readonly peerCertificate?: X509Certificate | undefined;
  /** The request's path and query. */
  readonly url?: string | undefined;
}

/** An identity, and the audiences of the server it is meant for where the credential names some. */
export interface AuthnResult {
  readonly user: UserInfo;
  readonly audiences?: readonly string[];
}

/** Establishes an identity from one kind of credential. */
export interface Authenticator {
  /**
   * Undefined when the request carries no credential of this kind.
   *
   * @throws {StatusError} 401 when it carries one that is not good
   */
  authenticate(request: AuthnRequest): Promise<UserInfo | undefined>;
}

export const SYSTEM_MASTERS = 'system:masters';
export const ALL_AUTHENTICATED = 'system:authenticated';
export const ALL_UNAUTHENTICATED = 'system:unauthenticated';
export const ANONYMOUS_NAME = 'system:anonymous';
export const NODES_GROUP = 'system:nodes';
export const NODE_USER_PREFIX = 'system:node:';
export const ALL_SERVICE_ACCOUNTS = 'system:serviceaccounts';

export const ANONYMOUS: UserInfo = { name: ANONYMOUS_NAME, groups: [ALL_UNAUTHENTICATED], extra: {} };

/** The value of a header that is sent once; the first one when it was sent more often. */
export function headerOf(request: Pick<AuthnRequest, 'headers'>, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}
