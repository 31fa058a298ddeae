import type { Clock } from '#base/clock.ts';
import { NODE, POD, SECRET, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import type { ObjectMeta } from '#api/types/meta.v1.ts';
import { RecentMap } from '#base/recent-map.ts';
import type { ObjectReader } from '../object-reader.ts';
import { TokenError, type TokenAuthenticator } from './bearer-token.ts';
import { isSignedByOneOf, unverifiedClaims, type VerificationKey } from './json-web-token.ts';
import {
  LEGACY_ISSUER,
  readClaims,
  readLegacyClaims,
  type LegacyServiceAccountClaims,
  type ObjectClaim,
  type ServiceAccountClaims,
} from './service-account-claims.ts';
import {
  EXTRA_KEY,
  serviceAccountGroups,
  serviceAccountUser,
  serviceAccountUserName,
} from './service-account-identity.ts';
import type { AuthnResult, UserInfo } from './user.ts';

export interface ServiceAccountTokensOptions {
  readonly keys: readonly VerificationKey[];
  /** Tokens of these issuers are ours. */
  readonly issuers: readonly string[];
  readonly reader: ObjectReader;
  readonly clock: Clock;
}

/** A token whose signature was verified once, and the identity it gives. */
interface Verified {
  readonly claims: ServiceAccountClaims | LegacyServiceAccountClaims;
  readonly user: UserInfo;
}

/** Tokens whose signature check is remembered; each pod has one, and renews it every hour. */
const CACHE_MAX = 20_000;

/** Clocks differ: ends and starts are taken this generously, and so is the deletion of what a token is bound to. */
const LEEWAY_MS = 60_000;

/**
 * Tokens of service accounts. The signature of a token is checked once; that it is in time and that everything
 * it is bound to still exists is checked at every use, from memory.
 */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: ServiceAccountTokensOptions;
  readonly #issuers: ReadonlySet<unknown>;
  readonly #verified = new RecentMap<string, Verified>(CACHE_MAX);

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.#issuers = new Set([...options.issuers, LEGACY_ISSUER]);
  }

  authenticateToken(token: string, audiences: readonly string[]): AuthnResult | undefined {
    const verified = this.#verified.get(token) ?? this.#verify(token);
    if (verified === undefined) {
      return undefined;
    }
    const { claims, user } = verified;
    if (!('aud' in claims)) {
      this.#checkLegacy(claims, token);
      return { user, audiences };
    }
    const accepted = claims.aud.filter((audience) => audiences.includes(audience));
    if (accepted.length === 0) {
      throw new TokenError(
        `token audiences ${goList(claims.aud)} is invalid for the target audiences ${goList(audiences)}`,
      );
    }
    this.#check(claims);
    return { user, audiences: accepted };
  }

  #verify(token: string): Verified | undefined {
    const raw = unverifiedClaims(token);
    if (raw === undefined || !this.#issuers.has(raw['iss'])) {
      return undefined;
    }
    if (!isSignedByOneOf(token, this.#options.keys)) {
      throw new TokenError('invalid bearer token');
    }
    const verified =
      raw['iss'] === LEGACY_ISSUER ? legacyIdentity(readLegacyClaims(raw)) : boundIdentity(readClaims(raw));
    if (verified === undefined) {
      throw new TokenError('invalid bearer token');
    }
    this.#verified.set(token, verified);
    return verified;
  }

  #check(claims: ServiceAccountClaims): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - LEEWAY_MS > claims.exp * 1000) {
      throw new TokenError('service account token has expired');
    }
    if (nowMs + LEEWAY_MS < claims.nbf * 1000) {
      throw new TokenError('service account token is not valid yet');
    }
    const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
    const { reader } = this.#options;
    this.#checkObject(
      'service account',
      serviceaccount,
      reader.get(SERVICE_ACCOUNT, namespace, serviceaccount.name),
    );
    if (secret !== undefined) {
      this.#checkObject('secret', secret, reader.get(SECRET, namespace, secret.name));
    }
    if (pod !== undefined) {
      this.#checkObject('pod', pod, reader.get(POD, namespace, pod.name));
    } else if (node !== undefined) {
      // Beside a pod the node is only a remark; alone it is what the token is bound to.
      this.#checkObject('node', node, reader.get(NODE, '', node.name));
    }
  }

  #checkObject(
    what: string,
    claim: ObjectClaim,
    object: { readonly metadata: ObjectMeta } | undefined,
  ): void {
    if (object === undefined) {
      throw new TokenError('service account token has been invalidated');
    }
    const { uid, deletionTimestamp } = object.metadata;
    if (
      deletionTimestamp !== undefined &&
      this.#options.clock.nowMs() - Date.parse(deletionTimestamp) > LEEWAY_MS
    ) {
      throw new TokenError('service account token has been invalidated');
    }
    if (uid !== claim.uid) {
      throw new TokenError(
        what === 'service account'
          ? `service account UID (${uid}) does not match claim (${claim.uid})`
          : `${what} UID (${uid}) does not match service account ${what} ref claim (${claim.uid})`,
      );
    }
  }

  #checkLegacy(claims: LegacyServiceAccountClaims, token: string): void {
    const { reader } = this.#options;
    const namespace = claims['kubernetes.io/serviceaccount/namespace'];
    const secret = reader.get(SECRET, namespace, claims['kubernetes.io/serviceaccount/secret.name']);
    if (secret?.data?.['token'] === undefined || secret.metadata.deletionTimestamp !== undefined) {
      throw new TokenError('service account token has been invalidated');
    }
    if (Buffer.from(secret.data['token'], 'base64').toString() !== token) {
      throw new TokenError("token does not match server's copy");
    }
    const name = claims['kubernetes.io/serviceaccount/service-account.name'];
    const uid = claims['kubernetes.io/serviceaccount/service-account.uid'];
    this.#checkObject('service account', { name, uid }, reader.get(SERVICE_ACCOUNT, namespace, name));
  }
}

function boundIdentity(claims: ServiceAccountClaims | undefined): Verified | undefined {
  if (claims === undefined) {
    return undefined;
  }
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  const name = serviceAccountUserName(namespace, serviceaccount.name);
  if (claims.sub !== name) {
    return undefined;
  }
  const extra = {
    ...(claims.jti === '' ? {} : { [EXTRA_KEY.credentialId]: [`JTI=${claims.jti}`] }),
    ...(pod === undefined ? {} : { [EXTRA_KEY.podName]: [pod.name], [EXTRA_KEY.podUid]: [pod.uid] }),
    ...(node === undefined ? {} : { [EXTRA_KEY.nodeName]: [node.name] }),
    ...(node === undefined || node.uid === '' ? {} : { [EXTRA_KEY.nodeUid]: [node.uid] }),
  };
  return { claims, user: { name, uid: serviceaccount.uid, groups: serviceAccountGroups(namespace), extra } };
}

function legacyIdentity(claims: LegacyServiceAccountClaims | undefined): Verified | undefined {
  if (claims === undefined) {
    return undefined;
  }
  const user = serviceAccountUser(
    claims['kubernetes.io/serviceaccount/namespace'],
    claims['kubernetes.io/serviceaccount/service-account.name'],
    claims['kubernetes.io/serviceaccount/service-account.uid'],
  );
  return claims.sub === user.name ? { claims, user } : undefined;
}

/** A list of strings as clients know it from error messages: `["a" "b"]`. */
function goList(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(' ')}]`;
}
